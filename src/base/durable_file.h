// Files that are whole or absent after a crash: write, fsync, rename, fsync of the folder.
//
// All functions are thread-safe for different paths. Errors are kNoSpace (ENOSPC, EDQUOT), kNotFound or kInternal, with
// the path in the message. OK means durable.
#pragma once

#include <string>
#include <string_view>

#include "godwit/error.h"

namespace godwit {

/// Writes `path`.tmp, fsyncs, renames over `path`, fsyncs the folder.
arrow::Status WriteFileDurably(const std::string& path, std::string_view contents);
arrow::Status SyncFile(const std::string& path);
/// Gives the memory back in which the system keeps what of a file is on the disk. Only a hint.
void DropFromCache(const std::string& path);
arrow::Status SyncFolder(const std::string& path);
/// Renames and fsyncs both folders.
arrow::Status RenameDurably(const std::string& from, const std::string& to);
/// Creates a folder and its parents; OK when it is there.
arrow::Status MakeFolder(const std::string& path);
arrow::Result<std::string> ReadFile(const std::string& path);
/// An errno as a status, with `context` in front.
arrow::Status ErrnoStatus(int error, std::string_view context);

}  // namespace godwit
