module cloudlet.example/create

go 1.19
