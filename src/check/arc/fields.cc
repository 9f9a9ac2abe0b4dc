#include "check/arc/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "check/dkim/names.h"
#include "check/dkim/tags.h"

namespace godwit::arc {
namespace {

using dkim::Tag;
using dkim::TagList;

constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kDigits = 76;      // RFC 6376 3.5, l=
constexpr std::size_t kTimeDigits = 12;  // RFC 6376 3.5, t=

std::unexpected<Error> wrong(std::string text) { return fail(Error::syntax(std::move(text), 0)); }

// RFC 8617 4.2.1: 1*2DIGIT, 1 to 50
godwit::Result<unsigned> parse_instance(std::string_view text) {
  const auto number = dkim::parse_number(text, 2);
  if (!number || *number == 0 || *number > kMaxInstance) return wrong("i= is not a number from 1 to 50");
  return static_cast<unsigned>(*number);
}

godwit::Result<const Tag*> require(const TagList& tags, std::string_view name) {
  const Tag* const tag = tags.find(name);
  if (tag == nullptr) return wrong(fmt::format("there is no {}=", name));
  return tag;
}

godwit::Result<> read_algorithm(const TagList& tags, dkim::Signature& into) {
  GODWIT_ASSIGN(const Tag* const a, require(tags, "a"));
  into.algorithm_name = std::string(a->value);
  if (a->value == "rsa-sha256")
    into.algorithm = dkim::Algorithm::rsa_sha256;
  else if (a->value == "ed25519-sha256")
    into.algorithm = dkim::Algorithm::ed25519_sha256;
  else  // RFC 8301 3.1: rsa-sha1 is among them
    return wrong("the algorithm is not known here");
  return {};
}

godwit::Result<> read_time(const TagList& tags, std::string_view name, std::optional<std::uint64_t>& into) {
  const Tag* const tag = tags.find(name);
  if (tag == nullptr) return {};
  into = dkim::parse_number(tag->value, kDigits);
  if (!into) return wrong(fmt::format("{}= is not a number", name));
  if (tag->value.size() > kTimeDigits) into = std::numeric_limits<std::uint64_t>::max();  // RFC 6376 3.5, t=: infinite
  return {};
}

// i=, a=, b=, d=, s=, t=: what both kinds have.
godwit::Result<> read_common(const TagList& tags, Signed& into) {
  GODWIT_ASSIGN(const Tag* const i, require(tags, "i"));
  GODWIT_ASSIGN(into.instance, parse_instance(i->value));
  dkim::Signature& signature = into.signature;
  GODWIT_TRY(read_algorithm(tags, signature));
  GODWIT_ASSIGN(const Tag* const b, require(tags, "b"));
  auto data = dkim::decode_base64(b->value);
  if (!data) return wrong("b= is not base64");
  signature.data = *std::move(data);
  signature.data_text = dkim::without_white_space(b->value);
  signature.data_begin = b->begin;
  signature.data_end = b->end;
  GODWIT_ASSIGN(const Tag* const d, require(tags, "d"));
  auto domain = dkim::parse_dns_name(d->value, 2);
  if (!domain) return wrong("d= is " + domain.error().text);
  GODWIT_ASSIGN(const Tag* const s, require(tags, "s"));
  auto selector = dkim::parse_dns_name(s->value, 1);
  if (!selector) return wrong("s= is " + selector.error().text);
  signature.domain = signature.identity_domain = *std::move(domain);
  signature.identity = "@" + signature.domain;
  signature.selector = *std::move(selector);
  return read_time(tags, "t", signature.time);
}

godwit::Result<> read_canonicalization(const TagList& tags, dkim::Signature& into) {
  const Tag* const c = tags.find("c");
  if (c == nullptr) return {};
  const auto one = [](std::string_view name, dkim::Canonicalization& how) {
    if (name == "relaxed") how = dkim::Canonicalization::relaxed;
    return name == "relaxed" || name == "simple";
  };
  const std::size_t slash = c->value.find('/');
  const bool known = one(c->value.substr(0, slash), into.header_canonicalization) &&
                     (slash == std::string_view::npos || one(c->value.substr(slash + 1), into.body_canonicalization));
  if (!known) return wrong("the canonicalisation is not known here");
  return {};
}

godwit::Result<> read_fields(const TagList& tags, dkim::Signature& into) {
  GODWIT_ASSIGN(const Tag* const h, require(tags, "h"));
  const auto names = dkim::split_list(h->value);
  if (!names) return wrong("h= has an empty name");
  if (names->size() > dkim::kMaxSignedFields) return wrong("h= names more than 500 header fields");
  for (const std::string_view name : *names) {
    if (!std::ranges::all_of(name, [](char c) { return c > 32 && c < 127; })) return wrong("h= holds what is no name of a field");
    into.fields.push_back(ascii_lower(name));
    // RFC 8617 4.1.2: ARC's own fields MUST NOT be covered. RFC 8617 4.1.2 DEVIATES: the two others pass, since there are
    // sealers that name them; they cover themselves alone
    if (into.fields.back() == kSealField) return wrong("h= names ARC-Seal");
  }
  // RFC 6376 6.1.1, which RFC 8617 4.1.2 takes over
  if (std::ranges::find(into.fields, "from") == into.fields.end()) return wrong("h= does not name From");
  return {};
}

}  // namespace

std::string_view to_string(ChainState state) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "pass", "fail"};
  return kNames[static_cast<std::size_t>(state)];
}

godwit::Result<Results> parse_results(std::string_view text) {
  // RFC 8617 4.1.1: the instance comes first
  const std::size_t end = text.find(';');
  const std::size_t equals = text.find('=');
  if (end == std::string_view::npos || equals > end) return wrong("there is no instance in front");
  if (dkim::without_white_space(text.substr(0, equals)) != "i") return wrong("there is no instance in front");
  GODWIT_ASSIGN(const unsigned instance, parse_instance(dkim::without_white_space(text.substr(equals + 1, end - equals - 1))));
  return Results{instance, text.substr(end + 1)};
}

godwit::Result<Signed> parse_message_signature(std::string_view text) {
  GODWIT_ASSIGN(const TagList tags, TagList::parse(text));
  Signed out;
  GODWIT_TRY(read_common(tags, out));
  GODWIT_ASSIGN(const Tag* const bh, require(tags, "bh"));
  auto hash = dkim::decode_base64(bh->value);
  if (!hash || hash->size() != kSha256Bytes) return wrong("bh= is not a SHA-256 hash");
  out.signature.body_hash = *std::move(hash);
  GODWIT_TRY(read_canonicalization(tags, out.signature));
  out.no_canonicalization = tags.find("c") == nullptr;
  GODWIT_TRY(read_fields(tags, out.signature));
  if (const Tag* const l = tags.find("l")) {
    out.signature.body_length = dkim::parse_number(l->value, kDigits);
    if (!out.signature.body_length) return wrong("l= is not a number");
  }
  GODWIT_TRY(read_time(tags, "x", out.signature.expiry));
  return out;
}

godwit::Result<Signed> parse_seal(std::string_view text) {
  GODWIT_ASSIGN(const TagList tags, TagList::parse(text));
  Signed out;
  GODWIT_TRY(read_common(tags, out));
  // RFC 8617 4.1.3: h= "is NOT allowed and, if found, MUST result in a cv status of fail"
  if (tags.find("h") != nullptr) return wrong("a seal may not have h=");
  GODWIT_ASSIGN(const Tag* const cv, require(tags, "cv"));
  const std::string word = ascii_lower(cv->value);
  if (word == "none")
    out.state = ChainState::none;
  else if (word == "pass")
    out.state = ChainState::pass;
  else if (word == "fail")
    out.state = ChainState::fail;
  else
    return wrong("cv= is neither none nor pass nor fail");
  out.signature.header_canonicalization = dkim::Canonicalization::relaxed;  // RFC 8617 4.1.3
  return out;
}

}  // namespace godwit::arc
