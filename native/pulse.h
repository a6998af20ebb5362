// A thread of its own that says "this process runs": it needs neither Python nor its lock.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifndef MSG_NOSIGNAL  // macOS; Python ignores the signal anyway
#define MSG_NOSIGNAL 0
#endif

namespace tacit {

// A connection and what to send on it: beats of so many bytes, one after the other, then from the start again.
struct Beats {
    int socket;
    std::string bytes;
    std::size_t each;
    std::size_t next = 0;
    std::size_t partly = 0;
};

// Sends a beat on each connection at once and every so many seconds, until it is destroyed. A full or broken connection
// is passed over: whoever reads from it notices.
class Pulse {
 public:
    Pulse(std::vector<Beats> connections, double seconds) : interval_(seconds), connections_(std::move(connections)) {
        for (Beats& beats : connections_)  // copies: the numbers of closed ones are used again
            beats.socket = ::fcntl(beats.socket, F_DUPFD_CLOEXEC, 0);
        thread_ = std::thread([this] { run(); });
    }

    ~Pulse() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
        thread_.join();
        for (const Beats& beats : connections_) ::close(beats.socket);
    }

    Pulse(const Pulse&) = delete;
    Pulse& operator=(const Pulse&) = delete;

 private:
    void run() {
        sigset_t all;  // signals are for threads that run Python
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        std::unique_lock<std::mutex> lock(mutex_);
        do {
            for (Beats& beats : connections_) send(beats);
        } while (!changed_.wait_for(lock, interval_, [this] { return stopped_; }));
    }

    // What does not go now goes first the next time, so that no beat is left out.
    static void send(Beats& beats) {
        std::size_t& sent = beats.partly;
        const char* from = beats.bytes.data() + beats.next + sent;
        const ssize_t count = ::send(beats.socket, from, beats.each - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<std::size_t>(count);
        if (sent < beats.each) return;
        sent = 0;
        beats.next = (beats.next + beats.each) % beats.bytes.size();
    }

    std::chrono::duration<double> interval_;
    std::vector<Beats> connections_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace tacit
