#include "base/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/durable_file.h"

namespace godwit {

arrow::Result<std::unique_ptr<SpillFile>> SpillFile::Make(const std::string& folder, size_t parts) {
  std::string where = folder;
  if (where.empty()) {
    std::error_code error;
    where = std::filesystem::temp_directory_path(error).string();
    if (error) where = "/tmp";
  } else {
    ARROW_RETURN_NOT_OK(MakeFolder(where));
  }
  int file = ::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) {  // not every file system knows nameless files
    std::string path = where + "/.godwit-spill-XXXXXX";
    file = ::mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) return ErrnoStatus(errno, "make a temporary file in " + where);
    (void)::unlink(path.c_str());
  }
  return std::unique_ptr<SpillFile>(new SpillFile(file, std::move(where), parts));
}

SpillFile::~SpillFile() { (void)::close(file_); }

arrow::Status SpillFile::Append(size_t part, std::string_view bytes) {
  Part& to = parts_[part];
  to.buffer.append(bytes);
  return to.buffer.size() < kBufferBytes ? arrow::Status::OK() : Flush(&to);
}

arrow::Status SpillFile::Flush(Part* part) {
  size_t done = 0;
  while (done < part->buffer.size()) {
    const ssize_t written =
        ::pwrite(file_, part->buffer.data() + done, part->buffer.size() - done, end_ + static_cast<int64_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return ErrnoStatus(written < 0 ? errno : EIO, "write a temporary file in " + folder_);
    done += static_cast<size_t>(written);
  }
  part->extents.push_back({end_, static_cast<int64_t>(done)});
  end_ += static_cast<int64_t>(done);
  part->buffer.clear();
  return arrow::Status::OK();
}

arrow::Result<std::string> SpillFile::Read(size_t part) const {
  const Part& from = parts_[part];
  size_t bytes = from.buffer.size();
  for (const Extent& extent : from.extents) bytes += static_cast<size_t>(extent.bytes);
  std::string all(bytes, '\0');
  size_t filled = 0;
  for (const Extent& extent : from.extents) {
    for (int64_t done = 0; done < extent.bytes;) {
      const ssize_t got =
          ::pread(file_, all.data() + filled, static_cast<size_t>(extent.bytes - done), extent.offset + done);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return ErrnoStatus(got < 0 ? errno : EIO, "read a temporary file in " + folder_);
      done += got;
      filled += static_cast<size_t>(got);
    }
  }
  from.buffer.copy(all.data() + filled, from.buffer.size());
  return all;
}

}  // namespace godwit
