#pragma once
// Every reply of this door that is not intake's, in one table. `sendmail` makes its exit code of the enhanced code.

#include <fmt/format.h>

#include "grammar/smtp/reply.h"

namespace godwit::submitd::replies {

using smtp::Reply;

// RFC 3463 3.8 (X.7.0), 3.6 (X.5.x), 3.4, 3.7
inline Reply too_fast(unsigned uid, std::uint64_t limit) {
  return {450, {4, 7, 0}, fmt::format("User {} sends too fast; the limit is {} messages a minute, try again later", uid, limit)};
}
inline Reply too_many_sessions(unsigned uid) { return {450, {4, 7, 0}, fmt::format("User {} has too many submissions under way", uid)}; }
inline Reply busy() { return {421, {4, 3, 2}, "The server has too many connections; try again later"}; }
inline Reply stopping() { return {421, {4, 3, 2}, "The server is stopping"}; }
inline Reply timed_out() { return {421, {4, 4, 2}, "Nothing came for too long"}; }
inline Reply directory_unavailable() { return {451, {4, 3, 0}, "The directory cannot be read now; try again later"}; }
inline Reply malformed(std::string_view what) { return {554, {5, 6, 0}, fmt::format("Not a submission: {}", what)}; }
inline Reply bad_sender(std::string_view text) { return {553, {5, 1, 7}, fmt::format("\"{}\" is not a sender address", text)}; }
inline Reply bad_recipient() { return {553, {5, 1, 3}, "This is not an address"}; }
inline Reply bad_ret() { return {501, {5, 5, 4}, "ret is full or hdrs"}; }
inline Reply bad_envid() { return {501, {5, 5, 4}, "envid is xtext of printable ASCII, at most 100 characters"}; }
inline Reply bad_orcpt() { return {501, {5, 5, 4}, "orcpt is type;address in xtext, at most 500 characters"}; }
inline Reply bad_notify() { return {501, {5, 5, 4}, "notify is \"never\" or a list of success, failure, delay"}; }

}  // namespace godwit::submitd::replies
