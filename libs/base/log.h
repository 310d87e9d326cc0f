// Logs: one JSON object a line on standard error, written by a background thread so that a call never waits for a
// terminal.
//
//   base::Log(base::Severity::kInfo, "listening", {{"address", address}});
//
// gives
// {"time":"2026-11-22T10:00:00.123456Z","severity":"INFO","service":"publication","message":"listening","address":"..."}.
// Thread-safe. Never log draft text, tokens or keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace section55::base {

enum class Severity { kInfo, kWarning, kError };

using LogField = std::pair<std::string_view, std::variant<std::string_view, int64_t, double>>;

// Opens the log of this process; `service` stands in every line. Before it is called, and after StopLog, Log does
// nothing: a unit test is quiet.
void StartLog(std::string_view service);

// Writes what is still waiting and closes the log.
void StopLog();

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace section55::base
