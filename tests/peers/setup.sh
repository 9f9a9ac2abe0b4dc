#!/bin/bash
# Unpacks the mail and name servers of Debian that the tests talk to, and the libraries that this machine lacks, into a folder.
# Nothing is installed: Postfix and Exim, which Debian keeps apart, lie side by side there. Quick when there is nothing to do.
#   setup.sh [FOLDER]     default build/peers; needs apt and its lists
set -euo pipefail
folder=$(realpath -m "${1:-$(dirname "$0")/../../build/peers}")
servers="postfix exim4-daemon-light exim4-base nsd unbound ldnsutils mutt"
stamp="$servers $(dpkg --print-architecture) $(. /etc/os-release && echo "$VERSION_ID")"
[ "$(cat "$folder/unpacked" 2>/dev/null)" != "$stamp" ] || exit 0

# What apt would install with each of them, one by one since some exclude each other: of that the libraries.
libraries() {
  local server
  for server in $servers; do apt-get -qq --simulate --no-install-recommends install "$server" || return; done |
    awk '$1 == "Inst" && $2 ~ /^lib/ {print $2}' | sort -u
}

rm -rf "$folder"
mkdir -p "$folder/deb" "$folder/root"
cd "$folder/deb"
apt=(apt-get -qq -o APT::Sandbox::User=root)
fetch() {
  apt-cache show nsd >/dev/null 2>&1 || return
  local found
  found=$(libraries) || return
  # shellcheck disable=SC2086
  "${apt[@]}" download $servers $found
}
fetch || { apt-get update -qq; fetch; }
for package in *.deb; do dpkg -x "$package" "$folder/root"; done
rm -r "$folder/deb"
echo "$stamp" >"$folder/unpacked"
