// A client of the four services that knows their methods from the linked descriptors alone.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace section55::sample {

// One of the four.
struct Peer {
  std::string name;       // "inspection-registry"
  std::string full_name;  // "section55.registry.v1.InspectionRegistry", also its name in the health service
  std::string address;    // "127.0.0.1:7101"
  std::shared_ptr<grpc::Channel> channel;
};

// Used by one thread.
class Client {
 public:
  // `ca` is the file with the authority's certificate, `tokens` the folder with a file for each person.
  static absl::StatusOr<Client> Create(std::vector<Peer> peers, const std::string& ca, std::string tokens);

  // Calls a method, given as "InspectionRegistry" and "CreateForce", and returns the answer, of a stream the last one, with the protos'
  // field names and default values. A request type with a `request_id` needs one in `request`.
  absl::StatusOr<nlohmann::json> Call(std::string_view service, std::string_view method, const std::string& person,
                                      const nlohmann::json& request);

  // Sets the driven clocks of all four, as the operator.
  absl::Status SetTime(absl::Time time);

  // Waits until every service is serving, at most until `deadline`, and reports each. Whether all are.
  bool WaitServing(absl::Time deadline, const std::function<void(const Peer&, bool serving)>& report);

 private:
  Client() = default;

  absl::StatusOr<nlohmann::json> CallOn(const Peer& peer, const std::string& service, std::string_view method,
                                        const std::string& person, const nlohmann::json& request);

  std::vector<Peer> peers_;
  std::string tokens_;
};

}  // namespace section55::sample
