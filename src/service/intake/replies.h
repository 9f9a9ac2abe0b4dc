#pragma once
// Every refusal of intake, in one table: code, enhanced code (RFC 3463), fixed text. Causes go to the log.

#include <fmt/format.h>

#include "grammar/smtp/reply.h"

namespace godwit::intake::replies {

using smtp::Reply;

inline Reply authentication_required() { return {530, {5, 7, 0}, "Authentication required"}; }
// RFC 6531 3.5: 550 for MAIL, 553 for RCPT
inline Reply sender_needs_smtputf8() { return {550, {5, 6, 7}, "An address beyond ASCII needs SMTPUTF8"}; }
inline Reply recipient_needs_smtputf8() { return {553, {5, 6, 7}, "An address beyond ASCII needs SMTPUTF8"}; }
// RFC 1870 6.1, 6.3
inline Reply too_big(std::uint64_t limit) { return {552, {5, 3, 4}, fmt::format("Message too big; the limit is {} bytes", limit)}; }
inline Reply store_full() { return {452, {4, 3, 1}, "Not enough space to keep the message now; try again later"}; }
inline Reply try_later() { return {451, {4, 3, 0}, "The message cannot be kept now; try again later"}; }
inline Reply directory_unavailable() { return {451, {4, 3, 0}, "The recipient cannot be checked now; try again later"}; }
inline Reply relaying_denied() { return {550, {5, 7, 1}, "Relaying denied: this domain is not served here"}; }
inline Reply unknown_user() { return {550, {5, 1, 1}, "No such user here"}; }
// RFC 3463 3.3 (X.2.2). The owner may make room: the sender keeps it and tries again.
inline Reply mailbox_full(std::string_view recipient) {
  return {452, {4, 2, 2}, fmt::format("The mailbox of {} is full; try again later", recipient)};
}
// RFC 5321 4.5.3.1.10
inline Reply too_many_recipients(std::size_t limit) {
  return {452, {4, 5, 3}, fmt::format("Too many recipients; the limit is {}, send the rest in another transaction", limit)};
}
// RFC 5321 4.5.3.1.10, for those behind aliases: another transaction has room for them
inline Reply too_many_expanded(std::string_view alias, std::size_t limit) {
  return {452, {4, 5, 3}, fmt::format("With {} the message has more than {} recipients; send it in another transaction", alias, limit)};
}
// RFC 3463 3.5 (X.4.6): waiting does not mend it
inline Reply alias_loop(std::string_view alias) {
  return {550, {5, 4, 6}, fmt::format("The alias {} leads in a circle; its administrator must mend it", alias)};
}
inline Reply alias_too_deep(std::string_view alias, std::size_t limit) {
  return {550, {5, 4, 6}, fmt::format("The alias {} leads through more than {} aliases; its administrator must mend it", alias, limit)};
}
// RFC 3463 3.3 (X.2.4): mailing list expansion problem
inline Reply alias_too_wide(std::string_view alias, std::size_t limit) {
  return {550, {5, 2, 4}, fmt::format("The alias {} stands for more than {} addresses; its administrator must divide it", alias, limit)};
}
inline Reply no_recipients() { return {554, {5, 5, 1}, "No valid recipients"}; }
// RFC 5321 6.3
inline Reply loop(std::size_t hops, std::size_t limit) {
  return {554,
          {5, 4, 6},
          fmt::format("Mail loop: the message carries {} Received fields, the limit is {}; look there who sends it round", hops, limit)};
}
inline Reply recipient_ok() { return {250, {2, 1, 5}, "Ok"}; }
inline Reply go_ahead() { return {354, {}, "End data with <CR><LF>.<CR><LF>"}; }
inline Reply kept(std::string_view id) { return {250, {2, 0, 0}, fmt::format("{} kept", id)}; }

}  // namespace godwit::intake::replies
