// What every service and message of the suite must have, whoever adds it: the test walks all descriptors.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "libs/access/policy.h"
#include "libs/testing/matchers.h"
#include "section55/admin/v1/admin.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "section55/common/v1/access.pb.h"
#include "section55/common/v1/event_feed.pb.h"
#include "section55/deadlines/v1/deadline_scheduler.pb.h"
#include "section55/publication/v1/publication.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55 {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;
using ::section55::testing::IsOk;
using ::testing::IsEmpty;

// Every file that holds a service.
std::vector<const FileDescriptor*> Files() {
  return {registry::v1::CreateForceRequest::descriptor()->file(),
          authoring::v1::GetResponseRequest::descriptor()->file(),
          deadlines::v1::GetDeadlineRequest::descriptor()->file(),
          publication::v1::GetPublicationRequest::descriptor()->file(),
          common::v1::FollowRequest::descriptor()->file(),
          admin::v1::GetStatusRequest::descriptor()->file()};
}

std::vector<const ServiceDescriptor*> Services() {
  std::vector<const ServiceDescriptor*> services;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      services.push_back(file->service(i));
    }
  }
  return services;
}

void ForEachMethod(const std::function<void(const MethodDescriptor&)>& check) {
  for (const ServiceDescriptor* service : Services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      SCOPED_TRACE(service->method(i)->full_name());
      check(*service->method(i));
    }
  }
}

bool StartsWithOneOf(const std::string& name, std::initializer_list<const char*> verbs) {
  return std::any_of(verbs.begin(), verbs.end(), [&](const char* verb) { return name.rfind(verb, 0) == 0; });
}

// Whether the method only reads.
bool Reads(const MethodDescriptor& method) {
  return StartsWithOneOf(method.name(),
                         {"Get", "List", "Check", "Explain", "Follow", "Preview", "Export", "Compare", "Normalise"});
}

TEST(Proto, EveryMethodHasAnAccessRuleThatCompiles) {
  std::vector<const ServiceDescriptor*> services = Services();
  ASSERT_EQ(services.size(), 7u) << "a new service belongs into Files()";
  EXPECT_THAT(access::Policy::Compile(services), IsOk());
  ForEachMethod([](const MethodDescriptor& method) { EXPECT_TRUE(method.options().HasExtension(common::v1::access)); });
}

TEST(Proto, WhatChangesSomethingIsNeverOpenToEverybody) {
  ForEachMethod([](const MethodDescriptor& method) {
    if (!Reads(method)) {
      EXPECT_FALSE(method.options().GetExtension(common::v1::access).any_caller());
    }
  });
}

TEST(Proto, TheAuditorChangesNothing) {
  ForEachMethod([](const MethodDescriptor& method) {
    const auto& roles = method.options().GetExtension(common::v1::access).roles();
    if (!Reads(method)) {
      EXPECT_THAT(std::count(roles.begin(), roles.end(), common::v1::AccessRule::AUDITOR), 0);
    }
  });
}

TEST(Proto, TheOperatorReadsNoDraft) {
  for (const auto* service : Services()) {
    if (service->full_name() != "section55.authoring.v1.ResponseAuthoring") {
      continue;
    }
    for (int i = 0; i < service->method_count(); ++i) {
      for (const int role : service->method(i)->options().GetExtension(common::v1::access).roles()) {
        EXPECT_NE(role, common::v1::AccessRule::OPERATOR) << service->method(i)->full_name();
      }
    }
  }
}

TEST(Proto, EveryChangeTakesARequestId) {
  // What administers a server, and not a resource, is repeatable by nature.
  const std::set<std::string> exempt = {"section55.admin.v1.Admin.RetryParkedEvent",
                                        "section55.admin.v1.Admin.AcceptFeed", "section55.admin.v1.Admin.RetryJob",
                                        "section55.admin.v1.Admin.ConfirmClock",
                                        "section55.admin.v1.DrivenClock.SetTime"};
  ForEachMethod([&](const MethodDescriptor& method) {
    if (!Reads(method) && !exempt.contains(method.full_name())) {
      EXPECT_NE(method.input_type()->FindFieldByName("request_id"), nullptr);
    }
  });
}

TEST(Proto, EveryChangeOfSomethingThatExistsTakesAnEtag) {
  ForEachMethod([&](const MethodDescriptor& method) {
    if (!Reads(method) &&
        !StartsWithOneOf(method.name(), {"Create", "Set", "Retry", "Accept", "Confirm", "Reinstate", "Import"})) {
      EXPECT_NE(method.input_type()->FindFieldByName("etag"), nullptr);
    }
  });
}

TEST(Proto, EveryListIsPaged) {
  ForEachMethod([&](const MethodDescriptor& method) {
    if (StartsWithOneOf(method.name(), {"List"}) && method.name() != "ListEvents") {
      EXPECT_NE(method.input_type()->FindFieldByName("page_size"), nullptr);
      EXPECT_NE(method.input_type()->FindFieldByName("page_token"), nullptr);
      EXPECT_NE(method.output_type()->FindFieldByName("next_page_token"), nullptr);
    }
  });
}

}  // namespace
}  // namespace section55
