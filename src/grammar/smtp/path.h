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

// Accepts LDH names, U-labels (UTS 46, non-transitional) and address literals. At most 255 bytes, labels of 63.
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
// `text` is what is meant, without quotes: 1 to 64 bytes (RFC 5321 4.5.3.1.1), no controls, valid UTF-8.
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

}  // namespace godwit::smtp
