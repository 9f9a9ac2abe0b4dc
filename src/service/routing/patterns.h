#pragma once
// What a route may ask of a message, as the operator writes it: domains, addresses, header fields. Pure; any thread.
// Errors of parse() say what to write instead. `covers(later)`: whatever `later` matches, this one matches too (never said in vain; a
// few cases that hold are not seen).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/smtp/path.h"

namespace godwit::routing {

// '*' stands for any run of characters, the empty one too; ASCII letters are the same in either case.
bool matches_glob(std::string_view glob, std::string_view text);
bool covers_glob(std::string_view glob, std::string_view later);

// "example.net", "*.example.net" (what is below it), "*".
class DomainPattern {
 public:
  enum class Kind : std::uint8_t { exact, below, any };

  static Result<DomainPattern> parse(std::string_view text);
  static DomainPattern any() { return {}; }
  Kind kind() const { return kind_; }
  bool matches(const smtp::Domain& domain) const;
  bool covers(const DomainPattern& later) const;

 private:
  Kind kind_ = Kind::any;
  smtp::Domain domain_;  // "*.example.net" has "example.net"
};

// "user@example.org", "*@example.org", "news-*@*.example.org", "*@*". Local parts are compared without regard to case.
class AddressPattern {
 public:
  static Result<AddressPattern> parse(std::string_view text);
  const DomainPattern& domain() const { return domain_; }
  bool matches(const smtp::Address& address) const;
  bool covers(const AddressPattern& later) const;

 private:
  std::string local_;  // a glob
  DomainPattern domain_;
};

// An AddressPattern, or "<>" for the null reverse path.
class SenderPattern {
 public:
  static Result<SenderPattern> parse(std::string_view text);
  bool matches(const smtp::ReversePath& sender) const;
  bool covers(const SenderPattern& later) const;

 private:
  bool null_ = false;
  AddressPattern address_;
};

// "X-Campaign: news*": a field of that name whose value, unfolded and trimmed, matches the glob. Encoded words are not decoded.
class HeaderPattern {
 public:
  static Result<HeaderPattern> parse(std::string_view text);
  // `header`: field lines with their CRLFs.
  bool matches(std::string_view header) const;
  bool covers(const HeaderPattern& later) const;

 private:
  std::string name_;
  std::string glob_;
};

}  // namespace godwit::routing
