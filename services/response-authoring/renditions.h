// Whether a response can be published, asked of the service that will do it.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication.grpc.pb.h"

namespace section55::authoring {

// Thread-safe.
class Renditions {
 public:
  virtual ~Renditions() = default;

  // OK: what is approved like this, report included, can be published. FAILED_PRECONDITION (NOT_PUBLISHABLE): it cannot, and the message
  // says why. UNAVAILABLE (PUBLICATION_UNAVAILABLE): that could not be found out by `deadline`, in real time.
  virtual absl::Status Check(const v1::Response& approved, absl::Time deadline) = 0;
};

// Asks publication.
class PublicationRenditions : public Renditions {
 public:
  explicit PublicationRenditions(std::shared_ptr<publication::v1::Publication::StubInterface> publication)
      : publication_(std::move(publication)) {}

  absl::Status Check(const v1::Response& approved, absl::Time deadline) override;

 private:
  const std::shared_ptr<publication::v1::Publication::StubInterface> publication_;
};

}  // namespace section55::authoring
