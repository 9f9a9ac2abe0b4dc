#include "app/quickstart.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "app/first_configuration.h"
#include "edge/tls/self_signed.h"

namespace godwit::app {
namespace {

constexpr const char* kUser = "godwit";              // the package makes it
constexpr std::string_view kRunDir = "/run/godwit";  // the same
constexpr std::string_view kDataDir = "/var/lib/godwit";

std::unexpected<Error> cannot(std::string_view what, const std::string& path) {
  const int code = errno;
  std::string mend;
  if (code == EACCES || code == EPERM || code == EROFS) mend = "; run this as root, or name a directory of your own with --dir";
  return fail(
      Error::permanent(Error::Cause::denied, fmt::format("cannot {} {}: {}{}", what, path, std::generic_category().message(code), mend)));
}

bool exists(const std::string& path) {
  struct stat found{};
  return ::lstat(path.c_str(), &found) == 0 || errno != ENOENT;
}

// 0755 whatever the umask: `sendmail` of every user reads the configuration, the server's user the key.
Result<void> make_directories(const std::filesystem::path& path) {
  if (path.empty() || exists(path.string())) return {};
  GODWIT_TRY(make_directories(path.parent_path()));
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return cannot("make the directory", path.string());
  return {};
}

// Whole or not at all: a configuration cut off half-way might still be one.
Result<void> write_new(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return cannot("write", path);
  const bool written =
      ::fchmod(fd, mode) == 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (::close(fd) != 0 || !written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    auto failure = cannot("write", path);
    ::unlink(fresh.c_str());
    return failure;
  }
  return {};
}

// The server's user must get to its files: a parent that only root may enter would stop it at its start.
Result<void> check_way(const std::string& user, const std::filesystem::path& file) {
  for (std::filesystem::path at = file.parent_path(); at != at.parent_path(); at = at.parent_path()) {
    struct stat found{};
    if (::stat(at.c_str(), &found) == 0 && (found.st_mode & S_IXOTH) == 0)
      return fail(
          Error::permanent(Error::Cause::denied, fmt::format("user \"{}\" cannot enter {} (mode {:04o}), so the server could not read {}; "
                                                             "choose another directory",
                                                             user, at.string(), found.st_mode & 07777, file.string())));
  }
  return {};
}

Result<bool> make_configuration(const smtp::Domain& domain, const QuickstartPlace& place, const OwnAddresses& own) {
  if (exists(place.config)) return false;
  const std::string directory = std::filesystem::path(place.config).parent_path().string();
  FirstConfiguration wanted;
  wanted.domain = domain;
  wanted.hostname = choose_hostname(parse_config("", place.config).config.hostname, domain);
  wanted.data_dir = place.data_dir;
  wanted.run_dir = place.run_dir;
  if (geteuid() == 0 && getpwnam(kUser)) wanted.user = kUser;
  wanted.certificate = directory + "/cert.pem";
  wanted.key = directory + "/key.pem";
  wanted.ipv6 = own.has_ipv6;
  GODWIT_TRY(make_directories(directory));
  if (!wanted.user.empty()) GODWIT_TRY(check_way(wanted.user, place.config));
  GODWIT_TRY(write_new(place.config, configuration_text(wanted), 0644));
  return true;
}

// Root's, and readable by the server's group alone: a server that was broken into cannot put another in its place.
Result<void> give_key(const std::string& key, const std::string& user) {
  if (user.empty() || geteuid() != 0) return {};
  const passwd* const entry = getpwnam(user.c_str());
  if (!entry)
    return fail(
        Error::permanent(Error::Cause::not_found, fmt::format("user \"{}\" does not exist on this machine; make it, or change user = in "
                                                              "the configuration",
                                                              user)));
  if (::chown(key.c_str(), 0, entry->pw_gid) != 0 || ::chmod(key.c_str(), 0640) != 0) return cannot("give to the server's group", key);
  return {};
}

Result<bool> make_certificate(const Config& config) {
  const std::string& certificate = config.tls_certificate;
  const std::string& key = config.tls_key;
  if (certificate.empty()) return false;
  const bool have_certificate = exists(certificate);
  if (have_certificate && exists(key)) return false;
  if (have_certificate || exists(key))
    return fail(Error::permanent(Error::Cause::conflict,
                                 fmt::format("{} is there but {} is not; they go together: bring the other, or move this one away",
                                             have_certificate ? certificate : key, have_certificate ? key : certificate)));
  GODWIT_TRY(make_directories(std::filesystem::path(certificate).parent_path()));
  GODWIT_TRY(make_directories(std::filesystem::path(key).parent_path()));
  const std::string fresh_certificate = certificate + ".new";
  const std::string fresh_key = key + ".new";
  GODWIT_TRY(tls::make_self_signed({config.hostname}, fresh_certificate, fresh_key));
  GODWIT_TRY(give_key(fresh_key, config.user));
  if (::rename(fresh_key.c_str(), key.c_str()) != 0) return cannot("write", key);
  if (::rename(fresh_certificate.c_str(), certificate.c_str()) != 0) return cannot("write", certificate);
  return true;
}

}  // namespace

Result<QuickstartPlace> choose_place(const std::string& dir, const std::string& config_path) {
  std::error_code failure;
  const auto absolute = std::filesystem::absolute(dir.empty() ? config_path : dir, failure).lexically_normal();
  if (failure) return fail(Error::permanent(Error::Cause::io, "cannot find the working directory: " + failure.message()));
  std::string path = absolute.string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (!dir.empty()) return QuickstartPlace{path + "/godwit.toml", path + "/data", ""};
  const bool packaged = path == "/etc/godwit/godwit.toml" && std::filesystem::is_directory(kRunDir, failure);
  return QuickstartPlace{path, std::string(kDataDir), packaged ? std::string(kRunDir) : ""};
}

Result<smtp::Domain> parse_served_domain(const std::string& text) {
  const auto no_domain = [&](std::string_view why) {
    return fail(
        Error::permanent(Error::Cause::syntax, fmt::format("\"{}\" is not a domain: {}; write for example example.org", text, why)));
  };
  auto domain = smtp::parse_domain(text);
  if (!domain) return no_domain(domain.error().text);
  if (domain->is_literal()) return no_domain("it is an address");
  if (!domain->text().contains('.')) return no_domain("it has one label only");
  if (domain->text().find_first_not_of("0123456789.") == std::string::npos) return no_domain("it is an address");
  return std::move(*domain);
}

Result<QuickstartFiles> make_quickstart_files(const smtp::Domain& domain, const QuickstartPlace& place, const OwnAddresses& own) {
  QuickstartFiles files;
  GODWIT_ASSIGN(files.config_made, make_configuration(domain, place, own));
  LoadedConfig loaded = load_config(place.config);
  if (!loaded.errors.empty()) {
    std::string sentences = fmt::format("{} is kept as it is, but has errors; mend them and run this again", place.config);
    for (const ConfigError& error : loaded.errors) sentences += "\n" + describe(place.config, error);
    return fail(Error::permanent(Error::Cause::syntax, sentences));
  }
  files.config = std::move(loaded.config);
  GODWIT_ASSIGN(files.certificate_made, make_certificate(files.config));
  return files;
}

}  // namespace godwit::app
