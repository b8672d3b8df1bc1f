# shellcheck shell=bash
# Inside the guest: run the command with its output on the two channels, leave its exit status, flush.
# run-in-vm writes KIND, RUN and TIMEOUT before this.
channels=(/dev/tty1 /dev/tty2)
[ "$KIND" = uml ] || channels=(/dev/vport-out /dev/vport-err)
mkfifo /run/vmjob.out /run/vmjob.err
cat </run/vmjob.out >"${channels[0]}" &
first=$!
cat </run/vmjob.err >"${channels[1]}" &
second=$!
bash "$RUN/command" </dev/null >/run/vmjob.out 2>/run/vmjob.err
status=$?
if [ $status = 137 ] && [ $SECONDS -ge "$TIMEOUT" ]; then status=124; fi # timeout -k had to use SIGKILL
# The rest of the output; 5 s at most, as what the command left in the background may hold the channels open.
for _ in {1..250}; do
    kill -0 $first 2>/dev/null || kill -0 $second 2>/dev/null || break
    sleep 0.02
done
if [ "$KIND" = uml ]; then
    for channel in "${channels[@]}"; do stty -F "$channel" -opost; done # waits until it is written out
fi
sync
echo $status >"$RUN/share/status.new"
sync
mv "$RUN/share/status.new" "$RUN/share/status"
sync
