#include "app/sendmail/settings.h"

#include <unistd.h>

#include <array>

#include "base/toml_reader.h"
#include "grammar/smtp/path.h"

namespace godwit::sendmail {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  std::string data_dir = "/var/lib/godwit";
  std::string run_dir;
  Settings settings;
  TomlDocument document;
  if (!document.load_file(path)) {
    const std::string why = document.errors().empty() ? "it cannot be read" : document.errors().front().problem;
    return fail(Error::permanent(Error::Cause::not_found, path + ": " + why));
  }
  document.read([&](TomlTable& root) {
    root.text("hostname", settings.hostname);
    root.text("data_dir", data_dir);
    root.text("run_dir", run_dir);
    root.table("smtp", [&](TomlTable& table) {
      table.size("max_message_size", settings.max_message_size);
      table.count("max_recipients", settings.max_recipients, 1, 1'000'000);
    });
  });
  if (settings.hostname.empty()) settings.hostname = machine_name();
  if (!smtp::parse_domain(settings.hostname)) settings.hostname = "localhost";
  settings.socket = (run_dir.empty() ? data_dir : run_dir) + "/submit.sock";
  settings.control_socket = data_dir + "/control.sock";
  settings.maildrop = data_dir + "/maildrop";
  return settings;
}

}  // namespace godwit::sendmail
