# Sourced by build and check, in the repository's root: their options, and commands in the cross root.

root=${XDG_CACHE_HOME:-$HOME/.cache}/dera-arm64
packages=
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=$2 ;;
    --packages) packages=$2 ;;
    *)
      echo "usage: $0 [--root DIRECTORY] [--packages DIRECTORY]" >&2
      exit 64
      ;;
  esac
  shift 2
done

scratch=.build-arm64   # Swift's build directory; the stripped programs are in its folder bin
swift_build=(swift build -c release --scratch-path "$scratch" --swift-sdks-path /sdk --swift-sdk debian-sid-aarch64)

# inside COMMAND…: runs it in the cross root, where this repository is /src. Its mounts end with it.
inside() {
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
  unshare "${as_root[@]}" --mount bash -euc '
    host=$1 packages=$2
    shift 2
    for file in resolv.conf hosts ssl/certs/ca-certificates.crt; do
      cp --dereference --remove-destination "/etc/$file" "$host/etc/$file" 2>/dev/null || true
    done
    mount --rbind /proc "$host/proc"
    mount --rbind /dev "$host/dev"
    mount --bind . "$host/src"
    # git reads the settings that begin with GIT_CONFIG: packages come from the mirror where there is one
    settings=(GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory "GIT_CONFIG_VALUE_0=*")
    if [ -n "$packages" ]; then
      mount --bind -o ro "$packages" "$host/packages"
      settings+=(GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_1=url./packages/.insteadOf GIT_CONFIG_VALUE_1=https://github.com/)
    fi
    exec chroot "$host" env -i HOME=/root PATH=/usr/bin:/usr/sbin "${settings[@]}" env --chdir=/src "$@"
  ' inside "$root/host" "$packages" "$@"
}
