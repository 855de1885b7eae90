#include "journal/lease.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/durable_file.h"

namespace godwit {
namespace {

std::string ReadPid(int fd) {
  char text[32] = {};
  ssize_t size = ::pread(fd, text, sizeof(text) - 1, 0);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "unknown";
}

// An open-file-description lock: it can be asked for without being taken, and survives a fork without being shared.
struct flock WholeFile(int16_t type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

arrow::Result<std::unique_ptr<Lease>> Lease::Take(const std::string& path) {
  // Never unlinked: a second process could lock a new file of the same name beside the old one.
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  std::unique_ptr<Lease> lease(new Lease(fd));
  struct flock lock = WholeFile(F_WRLCK);
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return ErrnoStatus(errno, "lock " + path);
    return MakeError(ErrorKind::kConflict,
                     "this job is being run by process " + ReadPid(fd) + "; wait for it, or end it with `godwit stop`");
  }
  std::string pid = std::to_string(::getpid());
  // Never empty: whoever asks meanwhile reads this process or the one before.
  if (::pwrite(fd, pid.data(), pid.size(), 0) < 0 || ::ftruncate(fd, static_cast<off_t>(pid.size())) != 0) {
    return ErrnoStatus(errno, "write " + path);
  }
  return lease;
}

arrow::Result<std::optional<pid_t>> Lease::Holder(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return ErrnoStatus(errno, "open " + path);
  }
  Lease lease(fd);  // closes the file
  struct flock lock = WholeFile(F_WRLCK);
  if (::fcntl(fd, F_OFD_GETLK, &lock) != 0) return ErrnoStatus(errno, "ask for the lock of " + path);
  if (lock.l_type == F_UNLCK) return std::nullopt;
  std::string text = ReadPid(fd);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return pid;
}

Lease::~Lease() { ::close(fd_); }

}  // namespace godwit
