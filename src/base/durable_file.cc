#include "base/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/failpoint.h"

namespace godwit {
namespace {

Failpoint write_point("base.write");
Failpoint fsync_point("base.fsync");
Failpoint rename_point("base.rename");

// One write call at most, so that a large file can be cut short between two of them (by a crash or a full disk).
constexpr size_t kWriteBytes = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  // What close could still report was reported by fsync before.
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

arrow::Result<Descriptor> Open(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoStatus(errno, "can't open " + path);
  return Descriptor(fd);
}

arrow::Status Fsync(const Descriptor& file, const std::string& path) {
  ARROW_RETURN_NOT_OK(WithContext(fsync_point.Hit(), "can't fsync " + path));
  // Never again after a failure: the kernel may have dropped the pages, and a second fsync would then say OK.
  if (::fsync(file.get()) != 0) return ErrnoStatus(errno, "can't fsync " + path);
  return arrow::Status::OK();
}

arrow::Status OpenAndFsync(const std::string& path, int flags) {
  ARROW_ASSIGN_OR_RAISE(Descriptor file, Open(path, flags));
  return Fsync(file, path);
}

arrow::Status WriteAll(const Descriptor& file, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    ARROW_RETURN_NOT_OK(WithContext(write_point.Hit(), "can't write " + path));
    ssize_t written = ::write(file.get(), contents.data(), std::min(contents.size(), kWriteBytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "can't write " + path);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return arrow::Status::OK();
}

arrow::Status WriteAndSync(const std::string& path, std::string_view contents) {
  ARROW_ASSIGN_OR_RAISE(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_TRUNC));
  ARROW_RETURN_NOT_OK(WriteAll(file, contents, path));
  return Fsync(file, path);
}

std::string FolderOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

arrow::Status WriteFileDurably(const std::string& path, std::string_view contents) {
  std::string temporary = path + ".tmp";
  arrow::Status status = WriteAndSync(temporary, contents);
  if (status.ok()) status = RenameDurably(temporary, path);
  if (!status.ok()) ::unlink(temporary.c_str());  // gives its space back where the disk is full
  return status;
}

arrow::Status SyncFile(const std::string& path) { return OpenAndFsync(path, O_RDONLY); }

void DropFromCache(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() >= 0) (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

arrow::Status SyncFolder(const std::string& path) { return OpenAndFsync(path, O_RDONLY | O_DIRECTORY); }

arrow::Status RenameDurably(const std::string& from, const std::string& to) {
  std::string context = "can't rename " + from + " to " + to;
  ARROW_RETURN_NOT_OK(WithContext(rename_point.Hit(), context));
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus(errno, context);
  ARROW_RETURN_NOT_OK(SyncFolder(FolderOf(to)));
  return FolderOf(from) == FolderOf(to) ? arrow::Status::OK() : SyncFolder(FolderOf(from));
}

arrow::Status MakeFolder(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0777) == 0) {
      ARROW_RETURN_NOT_OK(SyncFolder(FolderOf(part)));
    } else if (errno != EEXIST) {
      return ErrnoStatus(errno, "can't create the folder " + part);
    }
    if (end == path.npos) break;
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return ErrnoStatus(errno, "can't create the folder " + path);
  if (!S_ISDIR(found.st_mode)) return ErrnoStatus(ENOTDIR, "can't create the folder " + path);
  return arrow::Status::OK();
}

arrow::Result<std::string> ReadFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Descriptor file, Open(path, O_RDONLY));
  std::string contents;
  char buffer[1 << 16];
  while (true) {
    ssize_t count = ::read(file.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "can't read " + path);
    if (count == 0) return contents;
    contents.append(buffer, static_cast<size_t>(count));
  }
}

arrow::Status ErrnoStatus(int error, std::string_view context) {
  ErrorKind kind = ErrorKind::kInternal;
  if (error == ENOSPC || error == EDQUOT) kind = ErrorKind::kNoSpace;
  if (error == ENOENT) kind = ErrorKind::kNotFound;
  return MakeError(kind, std::string(context) + ": " + std::generic_category().message(error));
}

}  // namespace godwit
