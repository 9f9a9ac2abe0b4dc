#pragma once
// The conditions of one route: all must hold. Pure; any thread.

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/routing/patterns.h"

namespace godwit::routing {

// A [[route]] as the operator wrote it. Several entries of a list: one of them has to match. At least one condition.
struct Route {
  std::string domain;           // "example.net", "*.example.net" (below it), "*"; "" beside others: "*", or what `recipient` says
  std::vector<std::string> to;  // hops, or one of "mx", "local", "hold", "reject", "discard"
  std::vector<std::string> recipient = {};  // AddressPattern
  std::vector<std::string> sender = {};     // SenderPattern, of MAIL FROM
  std::vector<std::string> tenant = {};     // DomainPattern
  std::vector<std::string> header = {};     // HeaderPattern
  std::string tls = {};                     // "none" | "opportunistic" | "encrypt" | "verify"; "": tls_level() (site.h)
  std::string tls_name = {};
  std::string user = {};
  std::string password_file = {};
  std::string pool = {};  // of source addresses; "": the outbound's choice
};

// Where a mistake is: the key, and what to write instead.
struct RouteError {
  std::string key;
  std::string text;
};

// The fields of a message, with their CRLFs. Each route looks at them once, however many recipients ask: the answers are kept. One loop.
class Header {
 public:
  Header(std::convertible_to<std::string> auto&& fields) : fields_(std::forward<decltype(fields)>(fields)) {}  // a text is a header
  std::size_t looks() const { return answers_.size(); }

 private:
  friend class Conditions;
  std::string fields_;
  mutable std::map<std::uint64_t, bool> answers_;  // by Conditions::id_
};

// What a route may ask about a message besides its recipient. Outlives the question.
struct Envelope {
  smtp::ReversePath sender;
  std::string tenant;            // "": none
  std::optional<Header> header;  // nothing: not known yet (RCPT), and routes that ask for it are passed over
};

class Conditions {
 public:
  static std::expected<Conditions, RouteError> parse(const Route& route);

  // Everything but the header.
  bool match(const smtp::Address& recipient, const Envelope& envelope) const;
  bool match_header(const Envelope& envelope) const;
  bool ask_for_header() const { return !header_.empty(); }
  bool ask_for_tenant() const { return !tenant_.empty(); }
  // ADR 2: where only a "*" speaks of the recipient's domain, local domains are left alone.
  bool spare_local(const smtp::Address& recipient) const;
  // It may take one message to this domain and not another.
  bool ask_beyond(const smtp::Domain& domain) const;
  // The route names this one domain.
  bool name_exactly(const smtp::Domain& domain) const;
  // Whatever `later` matches, these match as well.
  bool cover(const Conditions& later) const;
  // "example.net"; with more than a domain "recipient *@example.net, sender <>". For people.
  const std::string& text() const { return text_; }

 private:
  std::optional<DomainPattern> domain_;
  std::vector<AddressPattern> recipient_;
  std::vector<SenderPattern> sender_;
  std::vector<DomainPattern> tenant_;
  std::vector<HeaderPattern> header_;
  std::string text_;
  std::uint64_t id_ = 0;  // no two that were parsed have the same, in whatever router
};

}  // namespace godwit::routing
