#include "check/dkim/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/utf8.h"
#include "check/dkim/names.h"
#include "check/dkim/tags.h"

namespace godwit::dkim {
namespace {

constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kLengthDigits = 76;  // RFC 6376 3.5, l=
constexpr std::size_t kTimeDigits = 12;    // RFC 6376 3.5, t= and x=

bool is_alnum_word(std::string_view word) {  // ALPHA *(ALPHA / DIGIT)
  return is_hyphenated_word(word) && word.find('-') == std::string_view::npos;
}

// RFC 5321 4.1.2 Local-part, empty too (RFC 6376 3.5, i=). Dots may stand anywhere: there are such mailboxes.
bool is_local_part(std::string_view local) {
  const auto clean = [](char c) { return static_cast<unsigned char>(c) >= 32 && c != 127; };
  if (local.size() >= 2 && local.front() == '"' && local.back() == '"') return std::ranges::all_of(local, clean);
  const auto outside_atext = [](char c) { return std::string_view(" ()<>[]:;@\\,\"").find(c) != std::string_view::npos; };
  return std::ranges::all_of(local, clean) && std::ranges::none_of(local, outside_atext);
}

// Reads the tags one after the other into a ParsedSignature; the first fault stands, reading goes on for the report.
class Reader {
 public:
  Reader(const TagList& tags, ParsedSignature& out) : tags_(tags), signature_(out.signature), fault_(out.fault) {}

  void read() {
    read_version();
    require_tags();
    read_algorithm();
    read_data();
    read_body_hash();
    read_canonicalization();
    read_domain();
    read_fields();
    read_identity();
    read_length();
    read_query();
    read_selector();
    read_times();
  }

 private:
  void blame(Reason reason, std::string text) {
    if (!fault_) fault_ = Fault{reason, std::move(text)};
  }
  void blame_syntax(const Tag& tag, std::string_view why) { blame(Reason::syntax, fmt::format("{}= of the signature: {}", tag.name, why)); }

  // RFC 6376 6.1.1: a version that is not ours is PERMFAIL (incompatible version)
  void read_version() {
    const Tag* const v = tags_.find("v");
    if (v == nullptr) return;
    if (!parse_number(v->value, std::numeric_limits<std::size_t>::max()))
      blame_syntax(*v, "not a number");
    else if (v->value != "1")
      blame(Reason::version, "the signature is of a version that is not known here");
  }

  // RFC 6376 6.1.1: a required tag that is missing is PERMFAIL
  void require_tags() {
    constexpr std::array<std::string_view, 7> kRequired = {"v", "a", "b", "bh", "d", "h", "s"};
    for (const std::string_view name : kRequired)
      if (tags_.find(name) == nullptr) blame(Reason::syntax, fmt::format("the signature has no {}=", name));
  }

  void read_algorithm() {
    const Tag* const a = tags_.find("a");
    if (a == nullptr) return;
    const std::size_t hyphen = a->value.find('-');
    if (hyphen == std::string_view::npos || !is_alnum_word(a->value.substr(0, hyphen)) || !is_alnum_word(a->value.substr(hyphen + 1)))
      return blame_syntax(*a, "not the name of an algorithm");
    signature_.algorithm_name = std::string(a->value);
    if (a->value == "rsa-sha256")
      signature_.algorithm = Algorithm::rsa_sha256;
    else if (a->value == "ed25519-sha256")
      signature_.algorithm = Algorithm::ed25519_sha256;
    else if (a->value == "rsa-sha1")
      blame(Reason::historic, "rsa-sha1 no longer counts as a signature");  // RFC 8301 3.1: MUST NOT be used for verifying
    else
      blame(Reason::unsupported, "the algorithm of the signature is not known here");
  }

  void read_data() {
    const Tag* const b = tags_.find("b");
    if (b == nullptr) return;
    signature_.data_begin = b->begin;
    signature_.data_end = b->end;
    auto data = decode_base64(b->value);
    if (!data) return blame_syntax(*b, "not base64");
    signature_.data = *std::move(data);
    signature_.data_text = without_white_space(b->value);
  }

  void read_body_hash() {
    const Tag* const bh = tags_.find("bh");
    if (bh == nullptr) return;
    auto hash = decode_base64(bh->value);
    if (!hash) return blame_syntax(*bh, "not base64");
    if (signature_.algorithm != Algorithm::other && hash->size() != kSha256Bytes) return blame_syntax(*bh, "not a SHA-256 hash");
    signature_.body_hash = *std::move(hash);
  }

  void read_canonicalization() {
    const Tag* const c = tags_.find("c");
    if (c == nullptr) return;
    const std::size_t slash = c->value.find('/');
    const bool both = slash != std::string_view::npos;
    read_one_canonicalization(*c, c->value.substr(0, slash), signature_.header_canonicalization);
    // RFC 6376 3.5, c=: a single name is the header's, and the body is "simple"
    if (both) read_one_canonicalization(*c, c->value.substr(slash + 1), signature_.body_canonicalization);
  }

  void read_one_canonicalization(const Tag& c, std::string_view name, Canonicalization& into) {
    if (!is_hyphenated_word(name)) return blame_syntax(c, "not the name of a canonicalisation");
    if (name == "relaxed")
      into = Canonicalization::relaxed;
    else if (name != "simple")  // RFC 6376 3.4: unrecognised ones MUST be ignored
      blame(Reason::unsupported, "the canonicalisation of the signature is not known here");
  }

  void read_domain() {
    const Tag* const d = tags_.find("d");
    if (d == nullptr) return;
    auto name = parse_dns_name(d->value, 2);
    if (!name) return blame_syntax(*d, name.error().text);
    signature_.domain = *std::move(name);
  }

  void read_selector() {
    const Tag* const s = tags_.find("s");
    if (s == nullptr) return;
    auto name = parse_dns_name(s->value, 1);
    if (!name) return blame_syntax(*s, name.error().text);
    signature_.selector = *std::move(name);
  }

  void read_fields() {
    const Tag* const h = tags_.find("h");
    if (h == nullptr) return;
    const auto names = split_list(h->value);
    if (!names) return blame_syntax(*h, names.error().text);
    if (names->size() > kMaxSignedFields) return blame_syntax(*h, "names more than 500 header fields");
    for (const std::string_view name : *names) {
      // RFC 5322 3.6.8: field-name
      if (!std::ranges::all_of(name, [](char c) { return c > 32 && c < 127; })) return blame_syntax(*h, "not the name of a header field");
      signature_.fields.push_back(ascii_lower(name));
    }
    // RFC 6376 6.1.1: From MUST be signed
    if (std::ranges::find(signature_.fields, "from") == signature_.fields.end())
      blame(Reason::from_not_signed, "the signature does not cover the From field");
  }

  void read_identity() {
    const Tag* const i = tags_.find("i");
    if (i == nullptr) {
      signature_.identity = signature_.domain.empty() ? "" : "@" + signature_.domain;  // RFC 6376 6.1.1
      signature_.identity_domain = signature_.domain;
      return;
    }
    auto identity = decode_quoted_printable(i->value);
    if (!identity) return blame_syntax(*i, identity.error().text);
    const std::size_t at = identity->rfind('@');
    if (at == std::string::npos || !is_utf8(*identity) || !is_local_part(identity->substr(0, at)))
      return blame_syntax(*i, "not an address");
    auto domain = parse_dns_name(std::string_view(*identity).substr(at + 1), 2);
    if (!domain) return blame_syntax(*i, domain.error().text);
    signature_.identity = *std::move(identity);
    signature_.identity_domain = *std::move(domain);
    // RFC 6376 6.1.1: d= is the domain of i= or above it
    if (!signature_.domain.empty() && !is_within(signature_.identity_domain, signature_.domain))
      blame(Reason::identity_mismatch, fmt::format("the identity {} is not of the domain {}", signature_.identity, signature_.domain));
  }

  void read_length() {
    const Tag* const l = tags_.find("l");
    if (l == nullptr) return;
    signature_.body_length = parse_number(l->value, kLengthDigits);
    if (!signature_.body_length) blame_syntax(*l, "not a number of 1 to 76 digits");
  }

  // RFC 6376 3.5, q=: methods that are not known are passed over; one that is known has to be there
  void read_query() {
    const Tag* const q = tags_.find("q");
    if (q == nullptr) return;
    const auto methods = split_list(q->value);
    if (!methods) return blame_syntax(*q, methods.error().text);
    for (const std::string_view method : *methods) {
      const std::size_t slash = method.find('/');
      const bool fits = slash == std::string_view::npos || slash + 1 < method.size();
      if (!is_hyphenated_word(method.substr(0, slash)) || !fits) return blame_syntax(*q, "not a query method");
    }
    if (std::ranges::find(*methods, "dns/txt") == methods->end())
      blame(Reason::unsupported, "the signature's key is not to be had by a query that is known here");
  }

  std::optional<std::uint64_t> read_time(std::string_view name) {
    const Tag* const tag = tags_.find(name);
    if (tag == nullptr) return std::nullopt;
    auto seconds = parse_number(tag->value, kLengthDigits);
    if (!seconds) blame_syntax(*tag, "not a number");
    // RFC 6376 3.5, t=: "any value longer than 12 digits" counts as infinite
    if (seconds && tag->value.size() > kTimeDigits) seconds = std::numeric_limits<std::uint64_t>::max();
    return seconds;
  }

  void read_times() {
    signature_.time = read_time("t");
    signature_.expiry = read_time("x");
    // RFC 6376 3.5, x=: MUST be greater than t=
    if (signature_.time && signature_.expiry && *signature_.expiry <= *signature_.time)
      blame(Reason::syntax, "the signature expires before it was made");
  }

  const TagList& tags_;
  Signature& signature_;
  std::optional<Fault>& fault_;
};

}  // namespace

ParsedSignature parse_signature(std::string_view text) {
  ParsedSignature out;
  const auto tags = TagList::parse(text);
  if (!tags)
    out.fault = Fault{Reason::syntax, "the signature is not a list of tags: " + tags.error().text};
  else
    Reader(*tags, out).read();
  return out;
}

}  // namespace godwit::dkim
