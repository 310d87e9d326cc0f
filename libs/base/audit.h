// The record of who did what to which resource, when: one JSON object a line, in a file of its own that nobody else may read, apart from
// the log. It stands behind one function, so that it can be kept elsewhere without a change where things are done.
//
// Nobody waits for it. While the file cannot be written (a disk that is full), the log says so, entries are kept in memory up to 16 MiB
// and written when it works again; what does not fit is lost and counted, and a line of the audit says how many. Calls are served all
// the while: an operator is alerted (deploy/monitoring) and decides. A file that was renamed or deleted is made anew within a second,
// which is all that rotating it takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace section55::base {

struct AuditEntry {
  std::string_view request_id = {};
  std::string_view actor = {};     // "people/j.smith", "services/publication"
  std::string_view method = {};    // "section55.authoring.v1.ResponseAuthoring/ApproveResponse"
  std::string_view resource = {};  // the name that the request gave, or its parent's; may be empty
  std::string_view tenant = {};    // "bodies/norfolk-pcc"; may be empty
  std::string_view code = {};      // "OK", "PERMISSION_DENIED"
  std::string_view peer = {};      // where the call came from, "ipv4:192.0.2.1:40000"
};

// Opens the audit of this process; before, and after StopAudit, Audit does nothing. The file is made with mode 0600 and appended to. The
// error is one sentence. For main's thread.
absl::Status StartAudit(std::string_view service, const std::string& file);

// Writes what is still waiting, for at most 2 seconds, and closes the audit. For main's thread.
void StopAudit();

// Thread-safe; never waits.
void Audit(const AuditEntry& entry);

// Entries lost since StartAudit, and whether the file cannot be written now.
int64_t LostAuditEntries();
bool AuditIsFailing();

}  // namespace section55::base
