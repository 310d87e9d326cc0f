// The public register on the web, over plain HTTP: everybody may read it, nobody can change anything through it.
//
//   GET /                                       what was published, the latest first; older pages by ?after=
//   GET /responses/{body}/{inspection}          the page of one response
//   GET /responses/{body}/{inspection}.pdf      the same as a PDF, .docx as a Word file, .txt as plain text, .json as data
//   GET /style.css
//
// Every answer is read from the database, so a page is there the moment its transaction is committed. What HTTP makes of it is the
// work of libs/http. For the world outside it belongs behind a proxy that adds TLS: see the README.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/http/server.h"

namespace section55::publication {

// Thread-safe.
class PublicRegister {
 public:
  // Takes the address, "HOST:PORT"; port 0 picks a free one. One sentence for the operator when it cannot be had.
  static absl::StatusOr<std::unique_ptr<PublicRegister>> Listen(const std::string& address, db::Database& database);

  // Stops.
  ~PublicRegister();

  // Starts answering; who connected before waits. It can be started again after Stop.
  void Start();

  // Finishes the requests under way and closes the port.
  void Stop();

  int port() const;

  // "http://127.0.0.1:8055", as it is reached on this machine.
  std::string url() const;

 private:
  explicit PublicRegister(std::unique_ptr<http::Server> server);
  const std::unique_ptr<http::Server> server_;
};

}  // namespace section55::publication
