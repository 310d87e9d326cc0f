#include "libs/base/audit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/json_line.h"
#include "libs/base/line_writer.h"
#include "libs/base/log.h"

namespace section55::base {
namespace {

constexpr absl::Duration kFarewell = absl::Seconds(2);
constexpr std::chrono::seconds kLook{1};

// A file that lines are appended to, made anew when somebody has moved it away. For one thread.
class AppendedFile {
 public:
  explicit AppendedFile(std::string path) : path_(std::move(path)) {}
  ~AppendedFile() { Close(); }
  AppendedFile(const AppendedFile&) = delete;

  // The descriptor, or -1 with errno set.
  int Descriptor() {
    const auto now = std::chrono::steady_clock::now();
    if (descriptor_ >= 0 && now - looked_ < kLook) {
      return descriptor_;
    }
    looked_ = now;
    struct stat there = {};
    if (descriptor_ >= 0 &&
        (stat(path_.c_str(), &there) != 0 || there.st_dev != opened_.st_dev || there.st_ino != opened_.st_ino)) {
      Close();
    }
    if (descriptor_ < 0) {
      descriptor_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
      if (descriptor_ >= 0) {
        fstat(descriptor_, &opened_);
      }
    }
    return descriptor_;
  }

 private:
  void Close() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
    descriptor_ = -1;
  }

  const std::string path_;
  int descriptor_ = -1;
  struct stat opened_ = {};
  std::chrono::steady_clock::time_point looked_;
};

struct OpenAudit {
  OpenAudit(std::string_view its_service, const std::string& path)
      : service(its_service),
        file(path),
        writer({.descriptor = [this] { return file.Descriptor(); },
                .note =
                    [this](int64_t lost) {
                      fmt::memory_buffer line;
                      AppendJsonLine(line, {{"service", service}}, {{"lost_entries", lost}});
                      return std::string(line.data(), line.size());
                    },
                .trouble =
                    [path](int error) {
                      if (error == 0) {
                        Log(Severity::kInfo, "the audit is written again", {{"file", path}});
                      } else {
                        Log(Severity::kError,
                            "the audit cannot be written; make room or mend its folder: entries are kept in memory",
                            {{"file", path}, {"error", std::string_view(std::strerror(error))}});
                      }
                    }}) {}
  const std::string service;
  AppendedFile file;
  LineWriter writer;
};

std::atomic<OpenAudit*> open_audit = nullptr;

// All that were ever opened: a thread that is stuck in a write may outlive StopAudit.
std::vector<std::unique_ptr<OpenAudit>>& Opened() {
  static auto& opened = *new std::vector<std::unique_ptr<OpenAudit>>;
  return opened;
}

}  // namespace

absl::Status StartAudit(std::string_view service, const std::string& file) {
  if (AppendedFile(file).Descriptor() < 0) {
    return absl::UnavailableError(fmt::format("{} cannot be written: {}", file, std::strerror(errno)));
  }
  if (open_audit == nullptr) {
    open_audit = Opened().emplace_back(std::make_unique<OpenAudit>(service, file)).get();
  }
  return absl::OkStatus();
}

void StopAudit() {
  if (OpenAudit* const audit = open_audit.exchange(nullptr)) {
    audit->writer.Stop(kFarewell);
  }
}

void Audit(const AuditEntry& entry) {
  OpenAudit* const audit = open_audit.load(std::memory_order_acquire);
  if (audit == nullptr) {
    return;
  }
  fmt::memory_buffer line;
  AppendJsonLine(line, {{"service", audit->service}},
                 {{"request_id", entry.request_id},
                  {"actor", entry.actor},
                  {"method", entry.method},
                  {"resource", entry.resource},
                  {"tenant", entry.tenant},
                  {"code", entry.code},
                  {"peer", entry.peer}});
  audit->writer.Add(std::string_view(line.data(), line.size()), /*important=*/false);
}

int64_t LostAuditEntries() {
  const OpenAudit* const audit = open_audit;
  return audit == nullptr ? 0 : audit->writer.lost();
}

bool AuditIsFailing() {
  const OpenAudit* const audit = open_audit;
  return audit != nullptr && audit->writer.failing();
}

}  // namespace section55::base
