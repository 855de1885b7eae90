#include "base/durable_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/failpoint.h"

namespace godwit {
namespace {

namespace fs = std::filesystem;

class DurableFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "godwit_durable_file_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  static std::string Read(const std::string& path) { return ReadFile(path).ValueOr("<unreadable>"); }

  static void Arm(const char* failpoints) {
    ::setenv("GODWIT_FAILPOINTS", failpoints, 1);
    ASSERT_TRUE(Failpoint::ArmFromEnvironment().ok());
    ::unsetenv("GODWIT_FAILPOINTS");
  }

  std::string folder_;
};

// Runs `action` in a child process; true when a SIGKILL ended it.
template <typename Action>
bool IsKilled(const Action& action) {
  pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST_F(DurableFile, WritesReplacesAndReads) {
  ASSERT_TRUE(WriteFileDurably(Path("a"), "first").ok());
  EXPECT_EQ(Read(Path("a")), "first");
  std::string large(3'000'001, 'x');
  large[1 << 20] = '\0';
  ASSERT_TRUE(WriteFileDurably(Path("a"), large).ok());
  EXPECT_EQ(Read(Path("a")), large);
  ASSERT_TRUE(WriteFileDurably(Path("a"), "").ok());
  EXPECT_EQ(Read(Path("a")), "");
  EXPECT_FALSE(fs::exists(Path("a.tmp")));
}

TEST_F(DurableFile, NamesThePathInErrors) {
  arrow::Status status = ReadFile(Path("absent")).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kNotFound);
  EXPECT_EQ(status.message(), "can't open " + Path("absent") + ": No such file or directory");
  EXPECT_EQ(KindOf(WriteFileDurably(Path("absent/a"), "x")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(SyncFolder(Path("absent"))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(SyncFile(Path("absent"))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(RenameDurably(Path("absent"), Path("b"))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(ReadFile(folder_).status()), ErrorKind::kInternal);
}

TEST_F(DurableFile, Renames) {
  ASSERT_TRUE(MakeFolder(Path("to")).ok());
  ASSERT_TRUE(WriteFileDurably(Path("a"), "moved").ok());
  ASSERT_TRUE(RenameDurably(Path("a"), Path("to/b")).ok());
  EXPECT_EQ(Read(Path("to/b")), "moved");
  EXPECT_FALSE(fs::exists(Path("a")));
}

TEST_F(DurableFile, MakesFolders) {
  ASSERT_TRUE(MakeFolder(Path("a/b/c")).ok());
  EXPECT_TRUE(fs::is_directory(Path("a/b/c")));
  EXPECT_TRUE(MakeFolder(Path("a/b/c")).ok());
  EXPECT_TRUE(MakeFolder(Path("a/b/d/")).ok());
  EXPECT_TRUE(MakeFolder("/").ok());
  ASSERT_TRUE(WriteFileDurably(Path("file"), "x").ok());
  EXPECT_FALSE(MakeFolder(Path("file")).ok());
  EXPECT_FALSE(MakeFolder(Path("file/below")).ok());
}

TEST_F(DurableFile, ErrnoKinds) {
  EXPECT_EQ(KindOf(ErrnoStatus(ENOSPC, "x")), ErrorKind::kNoSpace);
  EXPECT_EQ(KindOf(ErrnoStatus(EDQUOT, "x")), ErrorKind::kNoSpace);
  EXPECT_EQ(KindOf(ErrnoStatus(ENOENT, "x")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(ErrnoStatus(EIO, "x")), ErrorKind::kInternal);
}

// A failure at any place leaves the old file whole, and no temporary one that would fill the disk further.
TEST_F(DurableFile, FailureKeepsTheOldFile) {
  const std::string large(3'000'000, 'x');
  for (const char* failpoint :
       {"base.write=nospace", "base.write=nospace@3", "base.fsync=nospace", "base.rename=nospace"}) {
    ASSERT_TRUE(WriteFileDurably(Path("a"), "old").ok());
    Arm(failpoint);
    arrow::Status status = WriteFileDurably(Path("a"), large);
    EXPECT_EQ(KindOf(status), ErrorKind::kNoSpace) << failpoint;
    EXPECT_NE(status.message().find(Path("a")), std::string::npos) << status;
    EXPECT_EQ(Read(Path("a")), "old") << failpoint;
    EXPECT_FALSE(fs::exists(Path("a.tmp"))) << failpoint;
  }
}

// The folder's fsync comes after the rename: the file is there, but nobody was told that it will stay.
TEST_F(DurableFile, UnsyncedRenameIsNotOk) {
  ASSERT_TRUE(WriteFileDurably(Path("a"), "old").ok());
  Arm("base.fsync=error@2");
  EXPECT_FALSE(WriteFileDurably(Path("a"), "new").ok());
  EXPECT_EQ(Read(Path("a")), "new");
}

TEST_F(DurableFile, CrashKeepsTheOldFileAndTheNextWriteWorks) {
  const std::string large(3'000'000, 'x');
  for (const char* failpoint : {"base.write=crash", "base.write=crash@3", "base.fsync=crash", "base.rename=crash"}) {
    ASSERT_TRUE(WriteFileDurably(Path("a"), "old").ok());
    EXPECT_TRUE(IsKilled([&] {
      Arm(failpoint);
      (void)WriteFileDurably(Path("a"), large);
    })) << failpoint;
    EXPECT_EQ(Read(Path("a")), "old") << failpoint;
    EXPECT_TRUE(fs::exists(Path("a.tmp"))) << failpoint;
  }
  ASSERT_TRUE(WriteFileDurably(Path("a"), "new").ok());
  EXPECT_EQ(Read(Path("a")), "new");
  EXPECT_FALSE(fs::exists(Path("a.tmp")));
}

}  // namespace
}  // namespace godwit
