-- What a Cloudlet whose newest migration was the fourth has left: three machines of one tenant, one
-- of them settled, one with a stop under way, one left over by its create; and a create that waits.

INSERT INTO tenant (id, name, suspended, limits, created_at) VALUES
    (x'01930000000070008000000000000001', 'a', 0, '{"virtual_machines":9}', 1);

INSERT INTO resource (number, id, tenant, host, body) VALUES
(1, x'019300000000700080000000000000a1', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001',
'{"id":"01930000-0000-7000-8000-0000000000a1","tenant":"01930000-0000-7000-8000-000000000001","data_center":"6f1c0e5e-0000-4000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","record":{"name":"w\"ä\\b","status":"Running","image":12,"size":44},"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:30.000Z","spec":{"machine":{"image":12,"cpus":1,"memory_gb":1,"disk_gb":10,"power":"on","boot":1}},"generation":1,"settled":1,"last_boot":1,"observed":{"disk":{"whole":{"size_gb":10}},"process":{"boot":1,"up":true,"ready":true},"launched":1},"creating":null,"deleting":null,"acting":null,"leftover":null}'),
(2, x'019300000000700080000000000000a2', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001',
'{"id":"01930000-0000-7000-8000-0000000000a2","tenant":"01930000-0000-7000-8000-000000000001","data_center":"6f1c0e5e-0000-4000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","record":{"name":"stopping","status":"Stopping","image":12,"size":44},"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:30.000Z","spec":{"machine":{"image":12,"cpus":1,"memory_gb":1,"disk_gb":10,"power":"off","boot":1}},"generation":3,"settled":1,"last_boot":1,"observed":{"disk":{"whole":{"size_gb":10}},"process":{"boot":1,"up":true,"ready":true},"launched":1},"creating":null,"deleting":null,"acting":"01930000-0000-7000-8000-0000000000b2","leftover":null}'),
(3, x'019300000000700080000000000000a3', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001',
'{"id":"01930000-0000-7000-8000-0000000000a3","tenant":"01930000-0000-7000-8000-000000000001","data_center":"6f1c0e5e-0000-4000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","record":{"name":"left","status":"Error","image":12,"size":44},"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:30.000Z","spec":"absent","generation":2,"settled":0,"last_boot":1,"observed":{"disk":"partial","process":null,"launched":0},"creating":null,"deleting":null,"acting":null,"leftover":{"job":"01930000-0000-7000-8000-0000000000b3","since":"2026-03-01T09:01:30.000Z","what":"It broke."}}'),
(4, x'019300000000700080000000000000a4', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001',
'{"id":"01930000-0000-7000-8000-0000000000a4","tenant":"01930000-0000-7000-8000-000000000001","data_center":"6f1c0e5e-0000-4000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","record":{"name":"waits","status":"Provisioning","image":12,"size":44},"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:00.000Z","spec":"absent","generation":0,"settled":0,"last_boot":0,"observed":null,"creating":"01930000-0000-7000-8000-0000000000b4","deleting":null,"acting":null,"leftover":null}');
INSERT INTO tally (tenant, resources) VALUES (x'01930000000070008000000000000001', 4);

INSERT INTO job (number, id, tenant, host, state, blockers, synchronous, cancel, completed_at, body, answer, operation, resource) VALUES
(2, x'019300000000700080000000000000b2', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001', 'retrying', 0, 1, 0, NULL,
'{"id":"01930000-0000-7000-8000-0000000000b2","number":0,"tenant":"01930000-0000-7000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","operation":"vm.stop","resource":"01930000-0000-7000-8000-0000000000a2","resource_name":"stopping","state":"retrying","blockers":0,"before":{"machine":{"image":12,"cpus":1,"memory_gb":1,"disk_gb":10,"power":"on","boot":1}},"after":{"machine":{"image":12,"cpus":1,"memory_gb":1,"disk_gb":10,"power":"off","boot":1}},"progress":20,"total":30,"stage":"shutdown","error":null,"phases":[],"cancel":false,"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:30.000Z","completed_at":null}',
NULL, 'vm.stop', x'019300000000700080000000000000a2'),
(3, x'019300000000700080000000000000b3', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001', 'failed', 0, 0, 0, 1772355690000,
'{"id":"01930000-0000-7000-8000-0000000000b3","number":0,"tenant":"01930000-0000-7000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","operation":"vm.create","resource":"01930000-0000-7000-8000-0000000000a3","resource_name":"left","state":"failed","blockers":0,"before":"absent","after":{"machine":{"image":12,"cpus":1,"memory_gb":1,"disk_gb":10,"power":"on","boot":1}},"progress":20,"total":30,"stage":"failed","error":{"code":"DRIVER_ERROR","text":"It broke."},"phases":[],"cancel":false,"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:30.000Z","completed_at":"2026-03-01T09:01:30.000Z"}',
x'07070707070707070707070707070707', 'vm.create', x'019300000000700080000000000000a3'),
(4, x'019300000000700080000000000000b4', x'01930000000070008000000000000001', x'6f1c0e5e000040008000000000000001', 'pending', 0, 0, 0, NULL,
'{"id":"01930000-0000-7000-8000-0000000000b4","number":0,"tenant":"01930000-0000-7000-8000-000000000001","host":"6f1c0e5e-0000-4000-8000-000000000001","operation":"vm.create","resource":"01930000-0000-7000-8000-0000000000a4","resource_name":"waits","state":"pending","blockers":0,"before":null,"after":null,"progress":0,"total":null,"stage":"queued","error":null,"phases":[],"cancel":false,"created_at":"2026-03-01T09:01:00.000Z","updated_at":"2026-03-01T09:01:00.000Z","completed_at":null}',
x'07070707070707070707070707070707', 'vm.create', x'019300000000700080000000000000a4');
INSERT INTO answer (key, request, jobs, created_at) VALUES (x'07070707070707070707070707070707', zeroblob(16),
    x'019300000000700080000000000000b3019300000000700080000000000000b4', 1772355660000);
INSERT INTO ticket (key, number, job) VALUES
    (x'019300000000700080000000000000a2', 2, x'019300000000700080000000000000b2'),
    (x'019300000000700080000000000000a4', 4, x'019300000000700080000000000000b4');
INSERT INTO line (key, length, synchronous) VALUES
    (x'019300000000700080000000000000a2', 1, 1), (x'019300000000700080000000000000a4', 1, 0);
INSERT INTO turn (host, tenant, ready, running, last) VALUES
    (x'6f1c0e5e000040008000000000000001', x'01930000000070008000000000000001', 1, 0, 3);
INSERT INTO host (id, running) VALUES (x'6f1c0e5e000040008000000000000001', 0);

INSERT INTO claim (holder, kind, owner, measure, amount) VALUES
    (x'019300000000700080000000000000a1', 'quota', x'01930000000070008000000000000001', 'vcpus', 1),
    (x'019300000000700080000000000000a2', 'quota', x'01930000000070008000000000000001', 'vcpus', 1),
    (x'019300000000700080000000000000a1', 'room', x'6f1c0e5e000040008000000000000001', 'disk_gb', 10);
INSERT INTO usage (kind, owner, measure, used) VALUES
    ('quota', x'01930000000070008000000000000001', 'vcpus', 2),
    ('quota', x'01930000000070008000000000000001', 'memory_gb', 0),
    ('room', x'6f1c0e5e000040008000000000000001', 'disk_gb', 10);
