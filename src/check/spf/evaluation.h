#pragma once
// One run of check_host(): RFC 7208 4 to 6. It holds what stays the same through includes and redirects (client, sender,
// limits); what differs is the <domain>, an argument of its functions. Made for one check, on one loop.

#include <expected>
#include <optional>
#include <string>

#include "check/spf/lookups.h"
#include "check/spf/record.h"
#include "check/spf/reverse_names.h"
#include "check/spf/sender.h"
#include "check/spf/verdict.h"

namespace godwit::spf {

class Evaluation {
 public:
  Evaluation(dns::Resolver& resolver, Clock& clock, Question question, const Limits& limits);

  Task<Verdict> run();

 private:
  // What one record, with those it redirects to, says.
  struct Decision {
    Result result = Result::none;
    std::string record_domain;
    std::string mechanism;
    std::string reason;
    std::optional<MacroString> exp;  // of the record that decided

    static Decision error(const Error& error, std::string record_domain);
  };
  using Matched = godwit::Result<bool>;

  Task<Decision> check(std::string domain);                                       // RFC 7208 4
  Task<std::expected<Record, Decision>> fetch(std::string domain);                // 4.4, 4.5
  Task<std::optional<Decision>> first_match(Record& record, std::string domain);  // 4.6.2
  Task<Matched> matches(const Directive& directive, std::string domain);          // 5
  Task<Matched> matches_include(std::string target);
  Task<Matched> matches_a(const Directive& directive, std::string target);
  Task<Matched> matches_mx(const Directive& directive, std::string target);
  Task<Matched> matches_exists(std::string target);
  Task<godwit::Result<std::string>> redirect_target(const MacroString& spec, std::string domain);  // 6.1
  Task<std::string> explain(const Decision& decision);                                             // 6.2

  // The target-name of a domain-spec (4.8), which may be no name at all; nothing if it is of a kind that matches nothing.
  Task<godwit::Result<std::optional<std::string>>> target_of(const MacroString& spec, std::string domain, bool counted);
  MacroValues values(std::string domain, std::string client_name) const;
  bool in_reach(const Directive& directive, const IpAddress& address) const;

  Question question_;
  Limits limits_;
  Sender sender_;
  Clock& clock_;
  Lookups lookups_;
  ReverseNames names_;
  std::string within_;  // what matched inside the include that matched last, for the reason
};

}  // namespace godwit::spf
