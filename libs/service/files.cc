#include "libs/service/files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "libs/base/log.h"

namespace section55::service {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

}  // namespace

void KeepFilesPrivate() {
  umask(kOthers);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat found = {};
    if (fstat(output, &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & kOthers) != 0 &&
        fchmod(output, found.st_mode & S_IRWXU) != 0) {
      base::Log(base::Severity::kWarning, "the log can be read by other users of this machine");
    }
  }
}

absl::Status ProtectDatabase(std::string_view url) {
  if (!url.starts_with(kSqlite)) {
    return absl::OkStatus();
  }
  const std::string path(url.substr(kSqlite.size()));
  std::string folder = std::filesystem::path(path).parent_path();
  folder = folder.empty() ? "." : folder;
  struct stat found = {};
  // Whoever may write to a folder may put another file in the place of any in it, unless it is one like /tmp.
  if (stat(folder.c_str(), &found) == 0 && (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
      (found.st_mode & S_ISVTX) == 0) {
    return absl::FailedPreconditionError(fmt::format(
        "{} may exchange the files in {}: run \"chmod go-w {}\", or put the database into a folder of its own",
        (found.st_mode & S_IWOTH) != 0 ? "every user of this machine" : "other users of the folder's group", folder,
        folder));
  }
  for (const std::string& file : {path, path + "-wal", path + "-shm"}) {
    if (stat(file.c_str(), &found) == 0 && (found.st_mode & kOthers) != 0 &&
        chmod(file.c_str(), found.st_mode & S_IRWXU) != 0) {
      return absl::FailedPreconditionError(
          fmt::format("other users of this machine may read or change {}, which is not ours to forbid: run \"chmod 600 "
                      "{}\" as its owner",
                      file, file));
    }
  }
  return absl::OkStatus();
}

}  // namespace section55::service
