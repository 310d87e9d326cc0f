// ImportInspections and ExportInspections.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::registry {

// The next message of the stream; false when there is none.
using NextPiece = absl::FunctionRef<absl::StatusOr<bool>(v1::ImportInspectionsRequest&)>;

// Sends an answer; false when the caller is gone.
using TellImport = absl::FunctionRef<bool(const v1::ImportInspectionsResponse&)>;
absl::Status Import(const rpc::Call& call, db::Database& database, NextPiece next, TellImport tell);

// Sends a piece of the file; false when the caller is gone. Holds no more than a page of reports at a time.
using SendPiece = absl::FunctionRef<bool(const v1::ExportInspectionsResponse&)>;
absl::Status Export(const rpc::Call& call, db::Database& database, const v1::ExportInspectionsRequest& request,
                    SendPiece send);

}  // namespace section55::registry
