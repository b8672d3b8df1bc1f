"""The kernels' tests over kernels built with the address and the undefined-behaviour sanitizer."""
