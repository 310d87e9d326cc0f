// How many files and connections a process may have open at once.
#pragma once

namespace section55::base {

// A share of the descriptors that this process may have open, for a part of it that lets strangers open some: connections. Given back when
// it goes. What is left over is for databases, certificates and the log, which no stranger can use up. Thread-safe.
class FileShare {
 public:
  // Of `wanted` descriptors as many as there are: the limit (RLIMIT_NOFILE) is raised as far as the system lets us, and where that is not
  // enough a part gets half of what is left, at least 16.
  explicit FileShare(int wanted);
  ~FileShare();
  FileShare(const FileShare&) = delete;
  FileShare& operator=(const FileShare&) = delete;

  int files() const { return files_; }

 private:
  int files_ = 0;
};

}  // namespace section55::base
