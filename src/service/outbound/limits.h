#pragma once
// Times and sizes of the SMTP client.

#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace godwit::outbound {

inline constexpr Duration kConnect = std::chrono::seconds(30);  // no RFC says; the system's own would be two minutes
// An attempt ends: so many hops are tried in one (Postfix: 5 addresses), and when so much time is over, no further address. The one
// under way still has its own limits.
inline constexpr std::size_t kHopsAtOnce = 5;
inline constexpr Duration kOpening = std::chrono::minutes(5);
inline constexpr Duration kSecondFamily = std::chrono::seconds(2);      // for AAAA, when there is an A
inline constexpr Duration kGreeting = std::chrono::minutes(5);          // RFC 5321 4.5.3.2.1: initial 220
inline constexpr Duration kHello = std::chrono::minutes(5);             // EHLO, HELO, RSET: as for MAIL (no RFC says)
inline constexpr Duration kStartTls = std::chrono::minutes(2);          // RFC 3207 has none: for the answer, and for the handshake
inline constexpr Duration kMail = std::chrono::minutes(5);              // RFC 5321 4.5.3.2.2
inline constexpr Duration kRcpt = std::chrono::minutes(5);              // RFC 5321 4.5.3.2.3
inline constexpr Duration kDataInitiation = std::chrono::minutes(2);    // RFC 5321 4.5.3.2.4
inline constexpr Duration kDataBlock = std::chrono::minutes(3);         // RFC 5321 4.5.3.2.5
inline constexpr Duration kDataTermination = std::chrono::minutes(10);  // RFC 5321 4.5.3.2.6
inline constexpr Duration kCommandWrite = std::chrono::minutes(5);
inline constexpr Duration kLastWords = std::chrono::seconds(2);  // for what a server said before it closed in the middle of a body
inline constexpr Duration kQuit = std::chrono::seconds(2);       // for 221: a courtesy, nothing depends on it

inline constexpr std::size_t kReplyLine = 4'096;         // RFC 5321 4.5.3.1.5 has 512; some servers explain at length
inline constexpr std::size_t kPiece = 64 * 1'024;        // of a body: in memory at once
inline constexpr std::size_t kKeepBuffer = 128 * 1'024;  // a larger write buffer is given back
inline constexpr std::size_t kAddresses = 8;             // of one host that are tried
// RFC 2920 3.1: a group must fit into the windows, or both sides may wait for each other. 50 RCPTs are about 3 KiB, their
// replies rarely more than 5.
inline constexpr std::size_t kCommandsInGroup = 50;
// A message is taken to another connection when the server closed one without a word about it; when that happens to it the second
// time as the first message of a new connection, it is deferred.
inline constexpr unsigned kUnheardTooOften = 2;
// Dialogues in a row that end before their first message is done: then the hop rests like one that does not answer.
inline constexpr unsigned kLossesInRow = 3;
// Growing and shrinking (pace.h): no RFC says; TCP's way, at the speed of mail.
inline constexpr std::size_t kFirstConnections = 4;  // to a site that has said nothing against it
inline constexpr Duration kRampStep = std::chrono::seconds(10);
inline constexpr Duration kSlowAgain = std::chrono::seconds(5);  // replies of one overload come together
inline constexpr Duration kFirstPause = std::chrono::seconds(15);
inline constexpr Duration kLongestPause = std::chrono::minutes(5);
inline constexpr Duration kPaceKept = std::chrono::minutes(10);  // what was learnt of an idle site
inline constexpr Duration kLookAtSettings = std::chrono::seconds(1);
inline constexpr unsigned kBlockedInRow = 3;  // refusals of us, none delivered meanwhile: then the site rests
inline constexpr Duration kPatience =
    std::chrono::minutes(1);  // for a turn of the site's rate, in memory; longer turns are waited for in the queue,
inline constexpr Duration kLongestTurn = std::chrono::hours(4);  // and so long at most before asking again
// One family was refused by policy: the other one is used, if there is one, for so long.
inline constexpr Duration kFamilyRefused = std::chrono::hours(1);
inline constexpr unsigned kMoves = 2;  // so often a message that was not tried is handed to another source at once
// A site whose further connection was refused while others work gets no more of them for so long.
inline constexpr Duration kGrowAgain = std::chrono::minutes(1);

}  // namespace godwit::outbound
