#pragma once
// Mail addresses of the envelope: RFC 5321 4.1.2 (Mailbox, Path), RFC 6531 3.3 (UTF-8). Values; any thread.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace godwit::smtp {

// A domain as A-labels in lower case ("xn--..."), without final dot, or an address literal ("[192.0.2.1]").
class Domain {
 public:
  Domain() = default;
  const std::string& text() const { return text_; }
  std::string unicode() const;  // U-labels, for people
  bool is_literal() const { return text_.starts_with('['); }
  std::optional<IpAddress> literal() const;
  // This domain is `parent` or below it.
  bool is_within(const Domain& parent) const;
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Domain&) const = default;

 private:
  friend Result<Domain> parse_domain(std::string_view);
  std::string text_;
};

// Accepts LDH names, U-labels (UTS 46, non-transitional) and address literals. At most 253 bytes (RFC 1035 2.3.4: 255 in
// the DNS's own form), labels of 63. Literals come out in one spelling: "[IPv6:2001:db8::1]".
Result<Domain> parse_domain(std::string_view text);

// The part before the @, unquoted: "john doe" for "john doe"@example.org. Case is kept (RFC 5321 2.4), compared exactly.
class LocalPart {
 public:
  LocalPart() = default;
  const std::string& text() const { return text_; }  // the bytes that are meant
  std::string quoted() const;                        // as it is written: quoted where it must be
  bool is_ascii() const;
  auto operator<=>(const LocalPart&) const = default;

 private:
  friend Result<LocalPart> make_local_part(std::string text);
  std::string text_;
};
// `text` is what is meant, without quotes; as it is written it has at most 64 bytes (RFC 5321 4.5.3.1.1). No controls,
// valid UTF-8. Empty stands for "" in quotes, which RFC 5321 4.1.2 allows.
Result<LocalPart> make_local_part(std::string text);

struct Address {
  LocalPart local;
  Domain domain;

  std::string text() const { return local.quoted() + "@" + domain.text(); }
  bool is_ascii() const { return local.is_ascii(); }  // domains are always A-labels here
  auto operator<=>(const Address&) const = default;
};

// A Mailbox of RFC 5321 4.1.2 without angle brackets; UTF-8 local parts allowed (the caller checks SMTPUTF8). At most 254 bytes.
Result<Address> parse_address(std::string_view text);

// MAIL FROM: an address, or nothing for <>.
class ReversePath {
 public:
  ReversePath() = default;
  explicit ReversePath(Address address) : address_(std::move(address)) {}
  bool is_null() const { return !address_; }
  const Address& address() const { return *address_; }
  std::string text() const { return address_ ? address_->text() : std::string(); }  // "" for the null path
  auto operator<=>(const ReversePath&) const = default;

 private:
  std::optional<Address> address_;
};

// The same in angle brackets, RFC 5321 4.1.2 Path. A source route ("<@a,@b:c@d>") is checked and dropped (RFC 5321 C).
// `text` is the whole path with its brackets; "<>" only as a reverse path. At most 256 bytes without the source route.
Result<Address> parse_forward_path(std::string_view text);
Result<ReversePath> parse_reverse_path(std::string_view text);

// Well-formed UTF-8 (RFC 3629) without controls (C0, DEL, C1): what mail may show to people.
bool is_clean_utf8(std::string_view text);

}  // namespace godwit::smtp
