# shellcheck shell=bash
# Where the cluster's processes live: in control groups and a mount namespace of their own. What is still in them when
# the cluster goes down is known to be ours and is ended; the mounts go with the last process.

# All processes are tracked in one hierarchy; kubelet puts the pods below $CGROUP in every hierarchy it uses.
cgroup_roots() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    echo /sys/fs/cgroup
  else
    find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
  fi
}

tracking_cgroup() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo "/sys/fs/cgroup/$CGROUP/system"; else echo "/sys/fs/cgroup/pids/$CGROUP/system"; fi
}

make_cgroups() {
  local root
  for root in $(cgroup_roots); do
    mkdir -p "$root/$CGROUP" 2>/dev/null || continue
    if [ -f "$root/cpuset.cpus" ]; then
      cat "$root/cpuset.cpus" >"$root/$CGROUP/cpuset.cpus"
      cat "$root/cpuset.mems" >"$root/$CGROUP/cpuset.mems"
    fi
    if [ -f "$root/cgroup.controllers" ]; then
      sed 's/\(^\| \)/ +/g' "$root/cgroup.controllers" >"$root/cgroup.subtree_control"
      sed 's/\(^\| \)/ +/g' "$root/$CGROUP/cgroup.controllers" >"$root/$CGROUP/cgroup.subtree_control"
    fi
  done
  mkdir -p "$(tracking_cgroup)"
}

join_cgroup() { echo "$BASHPID" >"$(tracking_cgroup)/cgroup.procs"; }

# Ends every process of the cluster that is left and removes the groups.
remove_cgroups() {
  local root folder
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    for root in $(cgroup_roots); do
      [ -d "$root/$CGROUP" ] || continue
      # shellcheck disable=SC2046 # one word per process
      find "$root/$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | xargs -r kill -9 2>/dev/null || true
      find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    for root in $(cgroup_roots); do [ ! -d "$root/$CGROUP" ] || { sleep 0.2; continue 2; }; done
    return 0
  done
  for folder in $(cgroup_roots); do [ ! -d "$folder/$CGROUP" ] || say "left behind: $folder/$CGROUP"; done
}

# A process that does nothing keeps the namespace; the node's processes are started inside it.
make_mounts() {
  running mounts || start mounts unshare --mount --propagation private -- sh -c 'mount --make-rshared / && exec sleep infinity'
  wait_for 5 "the mount namespace" inside true
  wait_for 5 "the mount namespace" separate_mounts
}

separate_mounts() { [ "$(readlink "/proc/$(pid_of mounts)/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] && [ "$(cat "/proc/$(pid_of mounts)/comm")" = sleep ]; }

inside() { nsenter --target "$(pid_of mounts)" --mount -- "$@"; }
