// The page of the API (proto/API.md), made from the protos: services with their methods and who may call them, messages with their
// fields, enums; all with the comments of the protos.
#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <string>

namespace section55::api_page {

// The whole page, as Markdown. `files`: the protos with their comments (protoc --include_source_info --include_imports), each after
// what it imports. Files of other packages than section55 are left out, but must be among them. The same files give the same bytes.
std::string Make(const google::protobuf::FileDescriptorSet& files);

}  // namespace section55::api_page
