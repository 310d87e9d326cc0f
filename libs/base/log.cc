#include "libs/base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <iterator>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace section55::base {
namespace {

// Collects lines and writes them from a thread of its own. Under load one system call carries many lines, and the thread
// is woken once for all of them: the first line waits a moment for company.
class Writer {
 public:
  void Start(std::string_view service) {
    absl::MutexLock lock(&mutex_);
    if (running_) {
      return;
    }
    service_ = service;
    stopping_ = false;
    thread_ = std::thread([this] { Run(); });
    running_ = true;
  }

  void Stop() {
    std::thread thread;
    {
      absl::MutexLock lock(&mutex_);
      running_ = false;
      stopping_ = true;
      work_.Signal();
      room_.SignalAll();
      thread = std::move(thread_);
    }
    if (thread.joinable()) {
      thread.join();
    }
  }

  bool running() const { return running_; }
  // Unchanged while running.
  const std::string& service() const { return service_; }

  void Add(std::string_view line) {
    absl::MutexLock lock(&mutex_);
    // Better late than lost: who logs faster than the disk takes it waits.
    while (lines_.size() >= kMaxWaiting && running_) {
      room_.Wait(&mutex_);
    }
    if (!running_) {
      return;
    }
    const size_t before = lines_.size();
    lines_.append(line);
    if (before == 0 || (before < kMuch && lines_.size() >= kMuch)) {
      work_.Signal();
    }
  }

 private:
  static constexpr size_t kMaxWaiting = 16 << 20;
  static constexpr size_t kMuch = 64 << 10;
  static constexpr absl::Duration kForCompany = absl::Milliseconds(2);

  void Run() {
    std::string writing;
    while (true) {
      writing.clear();
      {
        absl::MutexLock lock(&mutex_);
        while (lines_.empty() && !stopping_) {
          work_.Wait(&mutex_);
        }
        const absl::Time until = absl::Now() + kForCompany;
        while (lines_.size() < kMuch && !stopping_ && !work_.WaitWithDeadline(&mutex_, until)) {
        }
        if (lines_.empty()) {
          return;
        }
        writing.swap(lines_);
        room_.SignalAll();
      }
      for (std::string_view rest = writing; !rest.empty();) {
        const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
        if (written < 0 && errno != EINTR) {
          break;  // nobody reads: there is nowhere to say so
        }
        rest.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
      }
    }
  }

  std::atomic<bool> running_ = false;
  std::string service_;
  absl::Mutex mutex_;
  absl::CondVar work_;  // lines_ holds something, or much, or stopping_
  absl::CondVar room_;  // lines_ has room, or not running_
  std::string lines_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: threads that outlive main may still log.
Writer& TheWriter() {
  static Writer& writer = *new Writer;
  return writer;
}

// How many bytes the UTF-8 character at the front of `text` has; 0 when it is none.
size_t CharacterSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || size > text.size()) {
    return 0;
  }
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, surrogates and what lies beyond the last character.
  const bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
  return wrong ? 0 : size;
}

void AppendJsonString(fmt::memory_buffer& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  out.push_back('"');
  while (!text.empty()) {
    // Nearly every text is plain from end to end.
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    const size_t run = std::find_if_not(text.begin(), text.end(), plain) - text.begin();
    out.append(text.data(), text.data() + run);
    text.remove_prefix(run);
    if (text.empty()) {
      break;
    }
    const char c = text.front();
    size_t size = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    } else if (size = CharacterSize(text); size > 0) {
      out.append(text.data(), text.data() + size);
    } else {
      out.append(kReplacement.data(), kReplacement.data() + kReplacement.size());
      size = 1;
    }
    text.remove_prefix(size);
  }
  out.push_back('"');
}

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

}  // namespace

void StartLog(std::string_view service) { TheWriter().Start(service); }

void StopLog() { TheWriter().Stop(); }

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields) {
  Writer& writer = TheWriter();
  if (!writer.running()) {
    return;
  }
  fmt::memory_buffer line;
  const int64_t micros = absl::ToUnixMicros(absl::Now());
  // Formatting a civil time costs more than the rest of the line; the second's text is kept for as long as it lasts.
  thread_local int64_t second = -1;
  thread_local std::string second_text;
  if (micros / 1000000 != second) {
    second = micros / 1000000;
    second_text = absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(second), absl::UTCTimeZone());
  }
  fmt::format_to(std::back_inserter(line), R"({{"time":"{}.{:06}Z","severity":"{}","service":)", second_text,
                 micros % 1000000, NameOf(severity));
  AppendJsonString(line, writer.service());
  fmt::format_to(std::back_inserter(line), R"(,"message":)");
  AppendJsonString(line, message);
  for (const auto& [key, value] : fields) {
    line.push_back(',');
    AppendJsonString(line, key);
    line.push_back(':');
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      AppendJsonString(line, *text);
    } else if (const auto* number = std::get_if<int64_t>(&value)) {
      fmt::format_to(std::back_inserter(line), "{}", *number);
    } else if (const double real = std::get<double>(value); std::isfinite(real)) {
      fmt::format_to(std::back_inserter(line), "{}", real);
    } else {
      fmt::format_to(std::back_inserter(line), "null");  // JSON has no word for it
    }
  }
  line.push_back('}');
  line.push_back('\n');
  writer.Add(std::string_view(line.data(), line.size()));
}

}  // namespace section55::base
