// What a service writes is for its own user alone: drafts stand in it.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace section55::service {

// From here on every file and folder that this process makes is nobody else's to read, and so is the log, if it is a file of ours.
void KeepFilesPrivate();

// Takes the rights of others from the files of an SQLite database that is there already; OK for any other URL. One sentence for the
// operator when they are not ours to change, or when others, its group or everybody, may put other files into their folder.
absl::Status ProtectDatabase(std::string_view url);

}  // namespace section55::service
