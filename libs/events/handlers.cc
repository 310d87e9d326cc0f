#include "libs/events/handlers.h"

#include <exception>

namespace section55::events {
namespace {

constexpr char kUnknownEvent[] = "UNKNOWN_EVENT";

std::string_view TypeOf(const Event& event) {
  const std::string_view url = event.payload().type_url();
  return url.substr(url.rfind('/') + 1);
}

}  // namespace

absl::Status Handlers::Knows(const Event& event) const {
  const std::string_view type = TypeOf(event);
  const auto found = entries_.find(absl::string_view(type.data(), type.size()));
  if (found != entries_.end() && event.schema_version() <= found->second.newest_version) {
    return absl::OkStatus();
  }
  return base::Error(absl::StatusCode::kUnimplemented, kUnknownEvent,
                     std::string("the source sends ")
                         .append(type)
                         .append(" version ")
                         .append(std::to_string(event.schema_version()))
                         .append(", which this program does not know: install a newer version"));
}

bool Handlers::IsUnknown(const absl::Status& error) { return base::ErrorInfoOf(error).reason() == kUnknownEvent; }

absl::Status Handlers::Apply(db::Transaction& tx, const Event& event) const {
  RETURN_IF_ERROR(Knows(event));
  const std::string_view type = TypeOf(event);
  const auto& apply = entries_.find(absl::string_view(type.data(), type.size()))->second.apply;
  if (apply == nullptr) {
    return absl::OkStatus();
  }
  try {
    return apply(tx, event);
  } catch (const std::exception& exception) {
    return absl::InternalError(std::string("exception: ").append(exception.what()));
  } catch (...) {
    return absl::InternalError("exception of an unknown type");
  }
}

}  // namespace section55::events
