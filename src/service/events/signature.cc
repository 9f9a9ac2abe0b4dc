#include "service/events/signature.h"

#include <fmt/format.h>

#include <fstream>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace godwit::events {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kShortest = 16;

}  // namespace

Result<std::string> read_secret(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line))
    return fail(Error::permanent(Error::Cause::not_found, fmt::format("cannot read a secret from {} ([[webhook]] secret_file)", path)));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  std::string key = line;
  if (line.starts_with(kPrefix)) {
    auto decoded = base64_decode(std::string_view(line).substr(kPrefix.size()));
    if (!decoded) return fail(Error::permanent(Error::Cause::syntax, fmt::format("{}: behind \"whsec_\" stands no base64", path)));
    key = *std::move(decoded);
  }
  if (key.size() < kShortest)
    return fail(
        Error::permanent(Error::Cause::limit, fmt::format("{}: the secret is too short; make one with: openssl rand -base64 32", path)));
  return key;
}

std::string sign(std::string_view key, std::string_view id, std::int64_t timestamp, std::string_view body) {
  std::string text = fmt::format("{}.{}.", id, timestamp);
  text += body;
  return "v1," + base64_encode(crypto::hmac_sha256(key, text));
}

}  // namespace godwit::events
