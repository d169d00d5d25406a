#!/bin/sh
# Fetches Debian 12's own Node 18 without installing it, for testing dist/agent-lite.mjs on what devices have.
#
#   infra/ci/debian-node.sh DIR      prints the path of DIR/node18, a wrapper that runs it
#
# Run again on the same DIR it only prints the path. Needs apt-get and dpkg-deb, not root; the package lists must be there
# (`apt-get update`), and the network on the first run.
set -eu

if [ $# -ne 1 ] || [ -z "$1" ]; then
  echo "usage: $0 DIR" >&2
  exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
wrapper=$dir/node18

if [ ! -x "$wrapper" ]; then
  # The newest 18.x in the lists: a machine may have a newer major from elsewhere.
  version=$(apt-cache madison nodejs | awk '$3 ~ /^18\./ { print $3; exit }')
  if [ -z "$version" ]; then
    echo "$0: expected a nodejs 18 in the package lists, got none; run apt-get update with Debian 12's sources" >&2
    exit 1
  fi
  cd "$dir"
  apt-get download "nodejs=$version" "libnode108=$version" node-acorn node-cjs-module-lexer node-undici \
    libbrotli1 libc-ares2 libicu72 libnghttp2-14 libssl3 libuv1 zlib1g >&2
  for package in ./*.deb; do
    dpkg-deb -x "$package" "$dir/unpacked"
    rm "$package"
  done
  library=$(find "$dir/unpacked/usr/lib" -name 'libnode.so.*' | head -n 1)
  libraries=$(dirname "$library")
  # Debian keeps three of Node's own scripts in /usr/share/nodejs and reads them at start. Only that path is changed in this
  # copy, to one of equal length: file descriptor 9, which the wrapper opens on the unpacked folder.
  sed -i 's#/usr/share/nodejs/#/proc/self//fd//9/#g' "$library"
  cat >"$wrapper.new" <<WRAPPER
#!/bin/sh
exec 9<"$dir/unpacked/usr/share/nodejs"
LD_LIBRARY_PATH="$libraries:$dir/unpacked/lib/$(basename "$libraries")" exec "$dir/unpacked/usr/bin/node" "\$@"
WRAPPER
  chmod +x "$wrapper.new"
  "$wrapper.new" --print process.version >&2
  mv "$wrapper.new" "$wrapper"
fi
echo "$wrapper"
