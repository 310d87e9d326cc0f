// Which events a service knows, and what becomes of the others.
#include "libs/events/handlers.h"

#include <google/protobuf/wrappers.pb.h>

#include <new>

#include "tests/contract/events/fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using testing::HasReason;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::MessageIs;
using testing::StatusIs;

Event Of(const google::protobuf::Message& payload, int version = 1) {
  Event event;
  event.mutable_payload()->PackFrom(payload);
  event.set_schema_version(version);
  return event;
}

// For handlers that do not write.
class NoTransaction : public db::Transaction {
 public:
  db::Engine engine() const override { return db::Engine::kSqlite; }
  absl::StatusOr<int64_t> Execute(std::string_view, absl::Span<const db::Value>) override { return 0; }
  absl::Status Query(std::string_view, absl::Span<const db::Value>, absl::FunctionRef<void(const db::Row&)>) override {
    return absl::OkStatus();
  }
  absl::Status QueryAndLock(std::string_view, absl::Span<const db::Value>,
                            absl::FunctionRef<void(const db::Row&)>) override {
    return absl::OkStatus();
  }
  absl::Status Conflict() override { return absl::AbortedError("conflict"); }
  void AfterCommit(std::function<void()>) override {}
};

TEST(HandlersTest, KnowsWhatItNamesUpToItsVersion) {
  Handlers handlers;
  handlers.On<google::protobuf::StringValue>(
      [](db::Transaction&, const Event&, const google::protobuf::StringValue&) { return absl::OkStatus(); }, 2);
  handlers.Ignore<google::protobuf::BoolValue>();
  EXPECT_THAT(handlers.Knows(Of(google::protobuf::StringValue(), 1)), IsOk());
  EXPECT_THAT(handlers.Knows(Of(google::protobuf::StringValue(), 2)), IsOk());
  EXPECT_THAT(handlers.Knows(Of(google::protobuf::BoolValue(), 99)), IsOk());
  EXPECT_THAT(handlers.Knows(Of(google::protobuf::StringValue(), 3)),
              AllOf(StatusIs(absl::StatusCode::kUnimplemented), HasReason("UNKNOWN_EVENT"),
                    MessageIs(HasSubstr("sends google.protobuf.StringValue version 3, which this program does not "
                                        "know: install a newer version"))));
  EXPECT_THAT(handlers.Knows(Of(google::protobuf::Int32Value())), HasReason("UNKNOWN_EVENT"));
  EXPECT_THAT(handlers.Knows(Event()), HasReason("UNKNOWN_EVENT"));
}

TEST(HandlersTest, GivesTheHandlerThePayloadAndNeverAnUnreadableOne) {
  NoTransaction tx;
  std::string seen;
  Handlers handlers;
  handlers.On<google::protobuf::StringValue>(
      [&](db::Transaction&, const Event& event, const google::protobuf::StringValue& payload) -> absl::Status {
        seen = payload.value();
        if (seen == "throw") {
          throw std::bad_alloc();
        }
        if (seen == "throw anything") {
          throw 7;
        }
        return absl::NotFoundError("no such body");
      });
  handlers.Ignore<google::protobuf::BoolValue>();
  EXPECT_THAT(handlers.Apply(tx, Of(Payload("a"))), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(seen, "a");
  EXPECT_THAT(handlers.Apply(tx, Of(google::protobuf::BoolValue())), IsOk());
  EXPECT_THAT(handlers.Apply(tx, Of(google::protobuf::Int32Value())), HasReason("UNKNOWN_EVENT"));
  EXPECT_THAT(handlers.Apply(tx, Of(Payload("throw"))), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(handlers.Apply(tx, Of(Payload("throw anything"))), StatusIs(absl::StatusCode::kInternal));
  seen.clear();
  for (const char* bytes : {"\x0a\x05"
                            "abc",              // cut off
                            "\x0a\x01\xff"}) {  // not UTF-8
    Event damaged = Of(Payload("a"));
    damaged.mutable_payload()->set_value(bytes);
    EXPECT_THAT(handlers.Apply(tx, damaged),
                AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("MALFORMED_EVENT")));
  }
  EXPECT_EQ(seen, "");
}

}  // namespace
}  // namespace section55::events
