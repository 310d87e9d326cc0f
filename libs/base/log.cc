#include "libs/base/log.h"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "libs/base/line_writer.h"

namespace section55::base {
namespace {

// A line that cannot be written keeps nobody from ending for longer than this.
constexpr absl::Duration kFarewell = absl::Seconds(2);

std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

std::string LineOf(Severity severity, std::string_view service, std::string_view message,
                   std::initializer_list<LogField> fields) {
  fmt::memory_buffer line;
  AppendJsonLine(line, {{"severity", NameOf(severity)}, {"service", service}, {"message", message}}, fields);
  return {line.data(), line.size()};
}

struct OpenLog {
  explicit OpenLog(std::string_view its_service)
      : service(its_service),
        writer({.descriptor = [] { return STDERR_FILENO; },
                .note =
                    [this](int64_t lost) {
                      return LineOf(Severity::kWarning, service, "lines of the log were lost", {{"lines", lost}});
                    }}) {}
  const std::string service;
  LineWriter writer;
};

std::atomic<OpenLog*> open_log = nullptr;

// All that were ever opened: threads that outlive StopLog, and main, may still log.
std::vector<std::unique_ptr<OpenLog>>& Opened() {
  static auto& opened = *new std::vector<std::unique_ptr<OpenLog>>;
  return opened;
}

}  // namespace

void StartLog(std::string_view service) {
  if (open_log == nullptr) {
    open_log = Opened().emplace_back(std::make_unique<OpenLog>(service)).get();
  }
}

void StopLog() {
  if (OpenLog* const log = open_log.exchange(nullptr)) {
    log->writer.Stop(kFarewell);
  }
}

int64_t LostLogLines() {
  const OpenLog* const log = open_log;
  return log == nullptr ? 0 : log->writer.lost();
}

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields) {
  OpenLog* const log = open_log.load(std::memory_order_acquire);
  if (log == nullptr) {
    return;
  }
  fmt::memory_buffer line;
  AppendJsonLine(line, {{"severity", NameOf(severity)}, {"service", log->service}, {"message", message}}, fields);
  log->writer.Add(std::string_view(line.data(), line.size()), severity != Severity::kInfo);
}

}  // namespace section55::base
