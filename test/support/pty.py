"""Runs a command in a real pseudo-terminal and types into it what a script says.

Reads one JSON object from stdin:
  command   list of strings
  cwd, env  where, and the whole environment
  columns, rows
  steps     list of {"wait": text or null, "send": text, "signal": number, "resize": [columns, rows], "run": command}:
            waits until the text stands in what was printed since the step before (colours and cursor movements left
            out), then types, sends the signal to whatever runs in the foreground, makes the terminal another size, or
            runs something outside of it
  timeout   seconds for everything
Writes one JSON object to stdout:
  output    everything that was printed, as it came
  code      the exit code, or null when a signal ended it
  signal    the number of that signal, or null
  stuck     the text of the step that was never reached, or null
"""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_=>78]")


def start(spec):
    pid, terminal = pty.fork()
    if pid != 0:
        return pid, terminal
    try:
        set_size(0, spec["columns"], spec["rows"])
        os.chdir(spec["cwd"])
        os.execvpe(spec["command"][0], spec["command"], spec["env"])
    except OSError as error:
        os.write(2, str(error).encode())
    os._exit(127)


def read(terminal, seconds):
    """What came within that time: None for nothing, b"" for the end."""
    ready, _, _ = select.select([terminal], [], [], max(0, seconds))
    if not ready:
        return None
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says EIO when the last process has closed its end.
        return b""


def type_in(terminal, text):
    try:
        os.write(terminal, text.encode())
    except OSError:
        pass


def set_size(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def act(terminal, step, spec):
    if step.get("send") is not None:
        type_in(terminal, step["send"])
    if step.get("signal") is not None:
        os.killpg(os.tcgetpgrp(terminal), step["signal"])
    if step.get("resize") is not None:
        set_size(terminal, *step["resize"])
    if step.get("run") is not None:
        subprocess.run(step["run"], cwd=spec["cwd"], env=spec["env"], check=True, stdout=subprocess.DEVNULL)


def follow(terminal, spec, deadline):
    """Reads to the end, typing as the steps say. Returns what was printed and the steps not reached."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    output = ""
    seen_from = 0
    waiting = list(spec["steps"])
    while True:
        while waiting:
            wait = waiting[0].get("wait")
            plain = CONTROL.sub("", output)
            at = seen_from if wait is None else plain.find(wait, seen_from)
            if at < 0:
                break
            seen_from = at + len(wait or "")
            act(terminal, waiting[0], spec)
            waiting.pop(0)
        data = read(terminal, deadline - time.monotonic())
        if not data:
            return output, waiting, data is None
        output += decode(data)


def reap(pid, deadline):
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done == pid:
            return status
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1]
        time.sleep(0.005)


def main():
    spec = json.load(sys.stdin)
    pid, terminal = start(spec)
    deadline = time.monotonic() + spec["timeout"]
    output, waiting, late = follow(terminal, spec, deadline)
    if late:
        os.kill(pid, signal.SIGKILL)
    status = reap(pid, deadline)
    os.close(terminal)
    json.dump(
        {
            "output": output,
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "stuck": None if not waiting else (waiting[0].get("wait") or ""),
        },
        sys.stdout,
    )


main()
