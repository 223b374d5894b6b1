# Sourced in the repository's root by what builds in the cross root: their options, and commands in it.

root=${XDG_CACHE_HOME:-$HOME/.cache}/dera-release
# git's own setting says where there is a mirror of the Swift packages.
packages=$(git config --get-regexp '^url\..*\.insteadof$' '^https://github.com/$' | sed -n '1s/^url\.\(\/.*\)\.insteadof .*/\1/p' || true)
architectures=(amd64 arm64)
output=.build-release/packages

# options USAGE ARGUMENT…: reads the options that the usage text has
options() {
  local usage=$1
  shift
  while [ $# -gt 0 ]; do
    if [ $# = 1 ] || [[ "$usage" != *"[$1 "* ]]; then
      echo "usage: $usage" >&2
      exit 64
    fi
    case $1 in
      --root) root=$2 ;;
      --packages) packages=$2 ;;
      --output) output=$2 ;;
      --arch)
        case $2 in
          amd64 | arm64) architectures=("$2") ;;
          all) ;;
          *) echo "$0: --arch must be amd64, arm64 or all, not '$2'" >&2; exit 64 ;;
        esac ;;
    esac
    shift 2
  done
}

# scratch ARCHITECTURE: Swift's build directory; the stripped programs are in its folder bin
scratch() { echo ".build-release/$1"; }

# swift_build ARCHITECTURE OPTION…: builds in the cross root
swift_build() {
  local architecture=$1 target=()
  shift
  [ "$architecture" = amd64 ] || target=(--swift-sdks-path /sdk --swift-sdk debian-sid-aarch64)
  inside swift build -c release --force-resolved-versions --scratch-path "$(scratch "$architecture")" "${target[@]}" "$@"
}

# inside COMMAND…: runs it in the cross root, where this repository is /src. Its mounts end with it.
inside() {
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
  [ -e Package.resolved ] || cp packaging/swift-packages.json Package.resolved
  unshare "${as_root[@]}" --mount bash -euc '
    host=$1 packages=$2
    shift 2
    for file in resolv.conf hosts ssl/certs/ca-certificates.crt; do
      cp --dereference --remove-destination "/etc/$file" "$host/etc/$file" 2>/dev/null || true
    done
    mount --rbind /proc "$host/proc"
    mount --rbind /dev "$host/dev"
    mount --bind . "$host/src"
    # The versions that a release has, whatever a build of this machine resolved.
    mount --bind packaging/swift-packages.json "$host/src/Package.resolved"
    # git reads the settings that begin with GIT_CONFIG: packages come from the mirror where there is one
    settings=(GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory "GIT_CONFIG_VALUE_0=*")
    if [ -n "$packages" ]; then
      mount --bind -o ro "$packages" "$host/packages"
      settings+=(GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_1=url./packages/.insteadOf GIT_CONFIG_VALUE_1=https://github.com/)
    fi
    exec chroot "$host" env -i HOME=/root PATH=/usr/bin:/usr/sbin "${settings[@]}" env --chdir=/src "$@"
  ' inside "$root/host" "$packages" "$@"
}
