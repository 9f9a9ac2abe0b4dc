#include "grammar/submit/envelope.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::submit {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Result<void> add_line(std::string& out, std::string_view key, std::string_view value) {
  if (std::ranges::any_of(value, is_control))
    return fail(Error::permanent(Error::Cause::syntax, fmt::format("control characters are not allowed in \"{}\"", key)));
  if (key.size() + 1 + value.size() >= kMaxLine) return fail(Error::permanent(Error::Cause::limit, fmt::format("\"{}\" is too long", key)));
  out += key;
  if (!value.empty()) {
    out += ' ';
    out += value;
  }
  out += '\n';
  return {};
}

}  // namespace

Result<std::string> format_envelope(const Envelope& envelope) {
  std::string out = "submit 1\n";
  if (envelope.from) GODWIT_TRY(add_line(out, "from", *envelope.from));
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    GODWIT_TRY(add_line(out, "to", envelope.recipients[i]));
    const auto one = envelope.for_one.find(i);
    if (one == envelope.for_one.end()) continue;
    if (!one->second.notify.empty()) GODWIT_TRY(add_line(out, "to-notify", one->second.notify));
    if (!one->second.orcpt.empty()) GODWIT_TRY(add_line(out, "to-orcpt", one->second.orcpt));
  }
  if (!envelope.login.empty()) GODWIT_TRY(add_line(out, "login", envelope.login));
  if (envelope.author) GODWIT_TRY(add_line(out, "author", *envelope.author));
  if (!envelope.notify.empty()) GODWIT_TRY(add_line(out, "notify", envelope.notify));
  if (!envelope.ret.empty()) GODWIT_TRY(add_line(out, "ret", envelope.ret));
  if (!envelope.envid.empty()) GODWIT_TRY(add_line(out, "envid", envelope.envid));
  if (envelope.size) GODWIT_TRY(add_line(out, "size", std::to_string(*envelope.size)));
  if (envelope.eight_bit) GODWIT_TRY(add_line(out, "8bit", ""));
  if (out.size() >= kMaxEnvelope) return fail(Error::permanent(Error::Cause::limit, "too many recipients for one message"));
  return out + "\n";
}

std::string format_chunk_header(std::size_t size) { return std::to_string(size) + "\n"; }

}  // namespace godwit::submit
