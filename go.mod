module github.com/runhook/runhook

go 1.26
