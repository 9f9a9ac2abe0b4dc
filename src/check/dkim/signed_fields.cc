#include "check/dkim/signed_fields.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace godwit::dkim {

const std::vector<FieldRule>& default_field_rules() {
  using enum FieldRule::Cover;
  // RFC 6376 5.4.1: "those fields that constitute the core of the message content"
  static const std::vector<FieldRule> rules = {
      {"From", always},
      {"To", always},
      {"Cc", always},
      {"Subject", always},
      {"Date", always},
      {"Reply-To", always},
      {"Message-ID", always},
      {"In-Reply-To", always},
      {"References", always},
      {"MIME-Version", always},
      {"Content-Type", always},
      {"Content-Transfer-Encoding", always},
      {"Content-Disposition", more},
      {"Content-ID", more},
      {"Content-Description", more},
      {"Content-Language", more},
      {"List-Id", more},
      {"List-Help", more},
      {"List-Unsubscribe", more},
      {"List-Unsubscribe-Post", more},
      {"List-Subscribe", more},
      {"List-Post", more},
      {"List-Owner", more},
      {"List-Archive", more},
      {"Disposition-Notification-To", more},
      {"CFBL-Address", more},
      {"CFBL-Feedback-ID", more},
      {"Feedback-ID", when_present},
      {"Auto-Submitted", when_present},
      {"TLS-Required", when_present},
      {"Autocrypt", when_present},
      {"Sender", when_present},
      {"Resent-From", when_present},
      {"Resent-Sender", when_present},
      {"Resent-To", when_present},
      {"Resent-Cc", when_present},
      {"Resent-Date", when_present},
      {"Resent-Message-ID", when_present},
  };
  return rules;
}

godwit::Result<std::vector<std::string>> choose_fields(const HeaderFields& header, const std::vector<FieldRule>& rules) {
  std::vector<std::string> out;
  for (const FieldRule& rule : rules) {
    const std::size_t instances = header.named(ascii_lower(rule.name)).size();
    if (instances > kMaxInstances)
      return fail(Error::permanent(Error::Cause::limit, fmt::format("the message has {} fields {}", instances, rule.name)));
    const bool one_more = rule.cover == FieldRule::Cover::always || (rule.cover == FieldRule::Cover::more && instances > 0);
    out.insert(out.end(), instances + (one_more ? 1 : 0), rule.name);
  }
  return out;
}

}  // namespace godwit::dkim
