// The main job, step by step, for the tests from end to end and those with kill -9. Every step checks that it was accepted, and every
// change bears a request id, so that a step can be cut short and tried again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/testing/suite.h"

namespace section55::e2e {

// A force and its body, as deploy/sample/bodies.tsv has them.
struct Area {
  std::string force;  // "norfolk"
  registry::v1::CreateForceRequest create_force;
  std::string body;  // "norfolk-pcc"
  registry::v1::CreateBodyRequest create_body;
  bool territorial = false;
};

// All of them, or those of these forces.
std::vector<Area> ReadAreas(const std::vector<std::string>& forces = {});

google::type::Date Date(int year, int month, int day);
absl::Time London(int year, int month, int day, int hour, int minute);

// "Safe to share?": six recommendations, of which 1, 4, 5 and 6 are for chief officers and local policing bodies.
registry::v1::Inspection SafeToShare();
// A report on listed forces: a cause of concern with two recommendations, one of them for the first force alone and with nested
// bullets and a link; an area for improvement.
registry::v1::Inspection CustodyReport(const std::vector<std::string>& forces);

// What is called with the people of a force: "norfolk" has norfolk-author, norfolk-approver and norfolk-chief-officer. Tokens for
// those that are not sample people are made here.
void MakePeople(const Area& area);

class MainJob {
 public:
  explicit MainJob(testing::Suite& suite) : suite_(suite) {}

  // Forces and their bodies.
  void Register(const std::vector<Area>& areas);
  // Whom copies go to: the two national recipients, and the chief officer and the panel of Norfolk.
  void RegisterRecipients();
  // Creates a draft and publishes it.
  void Publish(const std::string& inspection_id, const registry::v1::Inspection& inspection);

  // Wait until it exists.
  authoring::v1::Response AwaitResponse(const std::string& name);
  deadlines::v1::Deadline AwaitDeadline(const std::string& name);
  // Waits until authoring says PUBLISHED.
  authoring::v1::Response AwaitPublished(const std::string& name);

  // What an office and its force do, each as the right person, up to a response that can be submitted.
  void Invite(const Area& area, const std::string& response, const google::type::Date& comments_due);
  // By two named officers, one of them on the first finding to be answered.
  void Comment(const Area& area, const std::string& response);
  // Everything the body writes, an answer for each finding that needs one. `mark` stands in each text.
  authoring::v1::Response Write(const Area& area, const authoring::v1::Response& response, std::string_view mark);
  void Submit(const Area& area, const std::string& response);
  void Return(const Area& area, const std::string& response, const std::string& reason);
  void Approve(const Area& area, const std::string& response);
  // All of it, from an open response to an approved one.
  authoring::v1::Response AnswerInFull(const Area& area, const std::string& response, std::string_view mark);

  // The same by the longest way there is: exempt and owed again, answers together that adopt a comment, autosaves, a
  // comment by the force, returned with a mark.
  authoring::v1::Response AnswerWithDetours(const Area& area, const std::string& response, std::string_view mark);
  // Proposed, confirmed by a second person, and revoked.
  void ExemptAndRevoke(const Area& area, const std::string& response);

  authoring::v1::Response Get(const std::string& person, const std::string& response);

  // A call that must succeed; otherwise a failure of the test, and an empty answer.
  template <typename Stub, typename Request, typename Response>
  Response Do(const std::string& person, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const std::type_identity_t<Request>& request) {
    return Expect(Request::descriptor()->full_name() + " " + request.ShortDebugString(),
                  suite_.Call(person, method, request));
  }
  template <typename Stub, typename Request, typename Response>
  Response DoOn(testing::Service service, const std::string& person,
                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const std::type_identity_t<Request>& request) {
    return Expect(testing::NameOf(service) + " " + Request::descriptor()->full_name(),
                  suite_.CallOn(service, person, method, request));
  }

 private:
  static void Complain(const std::string& what, const absl::Status& status);
  template <typename Response>
  static Response Expect(const std::string& what, absl::StatusOr<Response> result) {
    if (!result.ok()) {
      Complain(what, result.status());
      return {};
    }
    return *std::move(result);
  }

  testing::Suite& suite_;
};

// "bodies/norfolk-pcc/responses/safe-to-share" and so on.
std::string ResponseName(const Area& area, std::string_view inspection_id);
std::string DeadlineName(const Area& area, std::string_view inspection_id);
std::string PublicationName(const Area& area, std::string_view inspection_id);

}  // namespace section55::e2e
