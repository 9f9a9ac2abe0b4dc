#pragma once
// What a refusal means: its class ("greylisted", "mailbox_full"), and what is done about it.
//
// A table is TOML (share/reply-classes.toml has the format and the shipped one): classes, each with an action, and rules, regular
// expressions over a reply on one line, in which "<>" stands for "<bob@example.net>". The first rule that matches counts; a reply that none
// knows gets its class from its status. Immutable: any thread. Time is linear in the length of the reply, whatever the expressions are
// (RE2).

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "grammar/smtp/reply.h"

namespace godwit::outbound {

enum class Action : std::uint8_t {
  keep,            // what the code says: 4yz by the schedule, 5yz returned
  retry_sooner,    // 4yz is tried again after `after`
  slow_site,       // fewer connections, then pauses
  suspend_source,  // several in a row: nothing goes from this source to the site for `after`
  rest_site,       // likewise, from no source
  other_family,    // said of IPv6 or IPv4: the message is tried over the other one before it is given up
  stop_tenant,     // nothing goes out for the message's tenant for `after`
  bounce,          // 4yz is returned, too
};

struct ReplyClass {
  std::string name;
  Action action = Action::keep;
  Duration after{};
};

class ReplyClasses {
 public:
  static constexpr std::size_t kExpressions = 5'000;  // in all tables
  static constexpr std::size_t kExpression = 1'000;   // characters of one
  static constexpr std::size_t kClasses = 200;
  static constexpr std::size_t kName = 32;
  static constexpr std::size_t kLooked = 2'000;  // bytes of a reply that the rules see

  ~ReplyClasses();

  // Texts of tables: the rules of the earlier ones stand before those of the later ones, a class is as its first table has it.
  // Errors give line, key and mend.
  static Result<std::shared_ptr<const ReplyClasses>> parse(const std::vector<std::string_view>& tables);
  // The shipped table, alone or behind the one of this file. Errors are of the file and begin with its path.
  static std::shared_ptr<const ReplyClasses> shipped();
  static Result<std::shared_ptr<const ReplyClasses>> load(const std::string& path);

  // `reply`: "450 4.2.0 Greylisted", or empty where nothing was said; `status`: of the outcome.
  const ReplyClass& classify(std::string_view reply, const smtp::EnhancedCode& status) const;
  // Null: there is none.
  const ReplyClass* find(std::string_view name) const;

 private:
  struct Rules;  // RE2
  struct Reader;
  ReplyClasses();

  std::map<std::string, ReplyClass, std::less<>> classes_;
  std::unique_ptr<Rules> rules_;
};

// The class by the status alone (RFC 3463 3, RFC 5248, the IANA registry): what the shipped table calls it. "other" where it says nothing.
std::string_view class_by_status(const smtp::EnhancedCode& status);

}  // namespace godwit::outbound
