// Copies of MySQL and MariaDB databases, with the products' own tools.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "libs/base/status.h"
#include "libs/db/internal.h"

extern char** environ;

namespace section55::db::internal {
namespace {

absl::Status Failed(absl::StatusCode code, std::string_view what) {
  return base::Error(code, "DATABASE_TOOL", std::string(what));
}

// A file of ours alone, gone with this.
class PrivateFile {
 public:
  PrivateFile() : descriptor_(mkostemp(name_.data(), O_CLOEXEC)) {}
  ~PrivateFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
      unlink(name_.data());
    }
  }
  PrivateFile(const PrivateFile&) = delete;

  bool ok() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  std::string name() const { return name_.data(); }
  bool Write(const std::string& text) const {
    return write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }
  std::string Read() const {
    std::ifstream stream(name());
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::array<char, 24> name_ = {"/tmp/section55-XXXXXX"};
  const int descriptor_;
};

// A value in an option file.
std::string Quoted(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + '"';
}

// What a tool needs to connect as we do; never on its command line, which everybody on the machine can read.
std::string OptionFile(const MysqlAddress& address, const MysqlAddress::Host* host, const std::string& password) {
  std::string text = fmt::format("[client]\nuser={}\npassword={}\n", Quoted(address.user), Quoted(password));
  if (host == nullptr) {
    text += fmt::format("protocol=socket\nsocket={}\n", Quoted(address.socket));
  } else {
    text += fmt::format("protocol=tcp\nhost={}\nport={}\n", Quoted(host->name), host->port);
  }
  switch (address.tls) {
    case MysqlAddress::Tls::kOff:
      text += "skip-ssl\n";
      break;
    case MysqlAddress::Tls::kRequired:
      text += "ssl\n";
      break;
    case MysqlAddress::Tls::kVerify:
      text += "ssl\nssl-verify-server-cert\n";
      break;
  }
  for (const auto& [option, file] :
       {std::pair("ssl-ca", &address.ca), {"ssl-cert", &address.certificate}, {"ssl-key", &address.key}}) {
    if (!file->empty()) {
      text += fmt::format("{}={}\n", option, Quoted(*file));
    }
  }
  return text;
}

// Runs a tool on one server with these files as its input and output.
absl::Status RunTool(const char* tool, const MysqlAddress& address, const MysqlAddress::Host* host,
                     const std::string& password, std::vector<std::string> words, int input, int output) {
  const PrivateFile options, errors;
  if (!options.ok() || !errors.ok() || !options.Write(OptionFile(address, host, password))) {
    return Failed(absl::StatusCode::kUnavailable, fmt::format("cannot write to /tmp: {}", std::strerror(errno)));
  }
  words.insert(words.begin(), {tool, "--defaults-extra-file=" + options.name()});
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const absl::Cleanup forget = [&] { posix_spawn_file_actions_destroy(&files); };
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors.descriptor(), STDERR_FILENO);
  pid_t child = -1;
  const int error = posix_spawnp(&child, tool, &files, nullptr, arguments.data(), environ);
  if (error == ENOENT) {
    return Failed(absl::StatusCode::kFailedPrecondition,
                  fmt::format("{} is not installed: install Debian's package mariadb-client", tool));
  }
  if (error != 0) {
    return Failed(absl::StatusCode::kUnavailable, fmt::format("{} cannot be run: {}", tool, std::strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::string said = errors.Read();
    said.resize(std::min<size_t>(said.find_last_not_of(" \n") + 1, 1000));
    return Failed(absl::StatusCode::kUnavailable, fmt::format("{} failed: {}", tool, said));
  }
  return absl::OkStatus();
}

// On the first server where it works, as connections do.
template <typename Run>
absl::Status OnSomeHost(const MysqlAddress& address, Run&& run) {
  if (address.hosts.empty()) {
    return run(nullptr);
  }
  absl::Status status;
  for (const MysqlAddress::Host& host : address.hosts) {
    status = run(&host);
    if (!absl::IsUnavailable(status)) {
      return status;
    }
  }
  return status;
}

// Opens a file for a tool; it is closed with the cleanup.
struct Descriptor {
  explicit Descriptor(const std::string& path, int flags) : number(open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number >= 0) {
      close(number);
    }
  }
  Descriptor(const Descriptor&) = delete;
  const int number;
};

}  // namespace

absl::Status DumpMysql(const MysqlAddress& address, const std::string& password, const std::string& file) {
  const Descriptor nothing("/dev/null", O_RDONLY), output(file, O_WRONLY | O_TRUNC);
  if (output.number < 0 || nothing.number < 0) {
    return Failed(absl::StatusCode::kUnavailable, fmt::format("{} cannot be written", file));
  }
  RETURN_IF_ERROR(OnSomeHost(address, [&](const MysqlAddress::Host* host) -> absl::Status {
    if (ftruncate(output.number, 0) != 0 || lseek(output.number, 0, SEEK_SET) != 0) {
      return Failed(absl::StatusCode::kUnavailable, fmt::format("{} cannot be written", file));
    }
    // single-transaction: one consistent state, and nobody is locked out; quick: row by row, not a table in memory; hex-blob: bytes
    // stay what they are in whatever character set; no-tablespaces: needs no rights beyond the database.
    return RunTool("mariadb-dump", address, host, password,
                   {"--single-transaction", "--quick", "--skip-lock-tables", "--hex-blob", "--no-tablespaces",
                    "--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--skip-add-drop-table",
                    "--skip-triggers", "--skip-add-locks", address.name},
                   nothing.number, output.number);
  }));
  // What was cut short has no last line.
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream.tellg();
  std::string tail(static_cast<size_t>(std::min<std::streamoff>(size, 200)), '\0');
  stream.seekg(size - static_cast<std::streamoff>(tail.size()));
  stream.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  if (tail.find("-- Dump completed") == std::string::npos) {
    return Failed(absl::StatusCode::kDataLoss, "mariadb-dump ended before the end of the database: try again");
  }
  return absl::OkStatus();
}

absl::Status LoadMysql(const MysqlAddress& address, const std::string& password, const std::string& file) {
  // Views are made by whoever restores them: naming somebody else takes rights that no service has.
  const std::string plain = file + ".plain";
  const absl::Cleanup remove = [&] { unlink(plain.c_str()); };
  {
    const int made = open(plain.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    std::FILE* const to = made < 0 ? nullptr : fdopen(made, "w");
    std::ifstream from(file, std::ios::binary);
    std::string line;
    bool written = to != nullptr && from.good();
    while (written && std::getline(from, line)) {
      if (!line.starts_with("/*!50013 DEFINER=")) {
        line += '\n';
        written = std::fwrite(line.data(), 1, line.size(), to) == line.size();
      }
    }
    if ((to != nullptr && std::fclose(to) != 0) || !written) {
      return Failed(absl::StatusCode::kUnavailable, fmt::format("{} cannot be written", plain));
    }
  }
  const Descriptor output("/dev/null", O_WRONLY);
  return OnSomeHost(address, [&](const MysqlAddress::Host* host) -> absl::Status {
    const Descriptor input(plain, O_RDONLY);
    return RunTool("mariadb", address, host, password,
                   {"--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--batch", address.name},
                   input.number, output.number);
  });
}

}  // namespace section55::db::internal
