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
#include <thread>
#include <vector>

#ifndef MSG_NOSIGNAL  // macOS; Python ignores the signal anyway
#define MSG_NOSIGNAL 0
#endif

namespace tacit {

// Sends one byte to each socket at once and every so many seconds, until it is destroyed. A full or broken connection
// is passed over: whoever reads from it notices.
class Pulse {
 public:
    Pulse(const std::vector<int>& sockets, double seconds) : interval_(seconds) {
        for (int socket : sockets)  // copies: the numbers of closed ones are used again
            sockets_.push_back(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
        thread_ = std::thread([this] { run(); });
    }

    ~Pulse() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
        thread_.join();
        for (int socket : sockets_) ::close(socket);
    }

    Pulse(const Pulse&) = delete;
    Pulse& operator=(const Pulse&) = delete;

 private:
    void run() {
        sigset_t all;  // signals are for threads that run Python
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        const char beat = 0;
        std::unique_lock<std::mutex> lock(mutex_);
        do {
            for (int socket : sockets_) (void)!::send(socket, &beat, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (!changed_.wait_for(lock, interval_, [this] { return stopped_; }));
    }

    std::chrono::duration<double> interval_;
    std::vector<int> sockets_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace tacit
