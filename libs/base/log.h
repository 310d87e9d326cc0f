// Logs: one JSON object a line on standard error, written by a thread of its own. The log keeps nobody waiting: when whoever reads it
// stalls, lines are kept in memory up to 16 MiB, then lost and counted, and a line says how many; warnings and errors get the last of
// the room. At the end of the process what waits is given 2 seconds.
//
//   base::Log(base::Severity::kInfo, "listening", {{"address", address}});
//
// gives
// {"time":"2026-11-22T10:00:00.123456Z","severity":"INFO","service":"publication","message":"listening","address":"..."}.
// Thread-safe. Never log draft text, tokens or keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "libs/base/json_line.h"

namespace section55::base {

enum class Severity { kInfo, kWarning, kError };

// Opens the log of this process; `service` stands in every line. Before it is called, and after StopLog, Log does
// nothing: a unit test is quiet. For main's thread.
void StartLog(std::string_view service);

// Writes what is still waiting, for at most 2 seconds, and closes the log. For main's thread.
void StopLog();

void Log(Severity severity, std::string_view message, std::initializer_list<LogField> fields = {});

// Lines lost since StartLog.
int64_t LostLogLines();

}  // namespace section55::base
