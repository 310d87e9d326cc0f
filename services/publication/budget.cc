#include "services/publication/budget.h"

#include <fmt/format.h>

#include "libs/base/status.h"

namespace section55::publication {

bool Budget::Take(std::string_view field, size_t bytes) {
  taken_ += bytes;
  if (!field.empty() && bytes > largest_) {
    largest_ = bytes;
    largest_field_ = std::string(field);
  }
  return taken_ <= limit_;
}

absl::Status Budget::TooLong(std::string_view form) const {
  base::Violations violations;
  violations.Add(largest_field_.empty() ? "response" : largest_field_,
                 fmt::format("{} would be too long; this text takes the most: shorten it, or its tables", form));
  return violations.ToStatus();
}

absl::Status Budget::ToStatus(std::string_view form) const {
  if (taken_ <= limit_) {
    return absl::OkStatus();
  }
  base::Violations violations;
  violations.Add(
      largest_field_.empty() ? "response" : largest_field_,
      fmt::format("{} would have {} bytes, of which at most {} can be published; this text takes the most, {} "
                  "bytes: shorten it, or its tables",
                  form, taken_, limit_, largest_));
  return violations.ToStatus();
}

}  // namespace section55::publication
