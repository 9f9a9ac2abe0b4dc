#include "grammar/dsn/explain.h"

#include <string>

#include "base/bytes.h"

namespace godwit::dsn {
namespace {

struct Entry {
  std::string_view code;  // "1.1": subject and detail; "1.": every other detail of the subject
  Explanation explanation;
};

constexpr std::string_view kAskRightAddress =
    "Check the address for a typing mistake, or ask the recipient by another way for the right one.";
constexpr std::string_view kAskAdministrator =
    "If this goes on, tell the administrator of the recipient's mail server, and show him this report.";
constexpr std::string_view kSendSmaller = "Send a smaller message: compress or split the attachments, or put them somewhere for download.";
constexpr std::string_view kNotYourFault =
    "This is a fault between mail servers. Please pass this report on to your own mail administrator.";

constexpr Entry kEntries[] = {
    {"1.1", {"no such mailbox", "There is no mailbox with this address.", kAskRightAddress}},
    {"1.2", {"no such domain", "The part of the address behind the @ names no domain that takes mail.", kAskRightAddress}},
    {"1.3", {"malformed address", "The recipient's server does not understand this address.", kAskRightAddress}},
    {"1.4", {"ambiguous address", "The address stands for more than one mailbox there.", kAskRightAddress}},
    {"1.6", {"mailbox has moved", "The recipient has left this address.", "Ask the recipient by another way for the new one."}},
    {"1.7",
     {"sender address refused", "The recipient's server does not accept your sender address.",
      "Check the sender address in the settings of your mail program."}},
    {"1.8",
     {"sender domain refused", "The recipient's server could not make sure that the domain of your sender address exists.",
      "Your mail administrator should check the DNS records of your domain."}},
    {"1.10", {"domain takes no mail", "The domain behind the @ says that it takes no mail at all.", kAskRightAddress}},
    {"1.", {"bad address", "The recipient's server does not accept this address.", kAskRightAddress}},
    {"2.1", {"mailbox disabled", "The mailbox exists, but it takes no mail at present.", "Try to reach the recipient by another way."}},
    {"2.2", {"mailbox full", "The recipient's mailbox is full.", "Tell the recipient by another way, and send the message again later."}},
    {"2.3", {"message too large", "The message is larger than this recipient may receive.", kSendSmaller}},
    {"2.", {"mailbox problem", "The recipient's mailbox could not take the message.", kAskAdministrator}},
    {"3.1", {"server is full", "The recipient's mail server has no room left.", kAskAdministrator}},
    {"3.4", {"message too large", "The message is larger than the recipient's mail server accepts.", kSendSmaller}},
    {"3.", {"mail server problem", "The recipient's mail server could not take the message.", kAskAdministrator}},
    {"4.1", {"no answer", "The recipient's mail server does not answer.", kAskAdministrator}},
    {"4.2", {"bad connection", "The connection to the recipient's mail server broke again and again.", kAskAdministrator}},
    {"4.3", {"name service failed", "The address of the recipient's mail server could not be looked up.", kAskAdministrator}},
    {"4.4", {"no route", "There is no way to a mail server of this domain.", kAskRightAddress}},
    {"4.6", {"mail loop", "The message went round in a circle between mail servers.", kNotYourFault}},
    {"4.7",
     {"not delivered in time", "The message could not be delivered in the time that is set for it.",
      "Send it again later, or reach the recipient by another way."}},
    {"4.", {"network problem", "The recipient's mail server could not be reached as it should.", kAskAdministrator}},
    {"5.3",
     {"too many recipients", "The message has more recipients than the recipient's mail server takes at once.",
      "Send it to fewer recipients at a time."}},
    {"5.", {"protocol problem", "The recipient's mail server did not speak as the standards ask.", kNotYourFault}},
    {"6.1",
     {"content not accepted", "The recipient's mail server does not accept this kind of content.",
      "Send it in another form, for example as plain text or in an archive."}},
    {"6.3",
     {"8-bit content not accepted", "The recipient's mail server takes 7-bit content alone, and the message has 8-bit content.",
      "Set your mail program to send \"quoted-printable\" or \"7-bit\" text."}},
    {"6.7",
     {"international address not supported",
      "The message has international (non-ASCII) addresses or header fields, which the recipient's mail server does not support.",
      "Use plain ASCII addresses of sender and recipients, if there are any."}},
    {"6.",
     {"content not accepted", "The recipient's mail server did not accept the content of the message.",
      "Send it in another form, for example as plain text."}},
    {"7.1",
     {"refused", "The recipient's mail server refused the message by its rules.",
      "The server's own words may say why. If you think that it is a mistake, ask the recipient by another way to tell his "
      "administrator."}},
    {"7.25",
     {"sending server not trusted", "The recipient's mail server does not trust the name of the server that sent the message.",
      kNotYourFault}},
    {"7.26",
     {"sender not proved", "The recipient's mail server asks for proof of the sender (SPF or DKIM), and the message has none that counts.",
      kNotYourFault}},
    {"7.27", {"sender takes no mail", "The recipient's mail server refuses mail from a domain that takes none itself.", kNotYourFault}},
    {"7.",
     {"refused for security", "The recipient's mail server refused the message for security or by its rules.",
      "The server's own words may say why. Show them to your mail administrator."}},
};

constexpr Explanation kUnknown = {"delivery failed", "The message could not be delivered.",
                                  "The words of the recipient's mail server may say why. Show this report to your mail administrator."};
constexpr Explanation kRelayDenied = {"relaying denied", "The mail server that was asked does not take mail for this domain.",
                                      kAskRightAddress};
constexpr Explanation kGreylisted = {"asked to try later", "The recipient's mail server asks unknown senders to try again later.",
                                     "Nothing; it is tried again by itself."};

bool mentions(std::string_view words, std::string_view what) { return ascii_lower(words).find(what) != std::string::npos; }

}  // namespace

Explanation explain(std::string_view status, std::string_view words) {
  const std::size_t dot = status.find('.');
  if (dot == std::string_view::npos) return kUnknown;
  const std::string_view code = status.substr(dot + 1);
  if (code.starts_with("7.") && mentions(words, "relay")) return kRelayDenied;
  if (status.starts_with("4.") && mentions(words, "greylist")) return kGreylisted;
  for (const Entry& entry : kEntries)
    if (entry.code == code || (entry.code.ends_with('.') && code.starts_with(entry.code))) return entry.explanation;
  return kUnknown;
}

}  // namespace godwit::dsn
